// SPDX-License-Identifier: GPL-3.0-or-later

// Package controllers holds the one name that Cilium takes from the Multi-Cluster Services API's
// controllers, whose module is not served by every proxy.
package controllers

// DerivedServiceAnnotation is set on a ServiceImport and names the Service that was made for it.
const DerivedServiceAnnotation = "multicluster.kubernetes.io/derived-service"
