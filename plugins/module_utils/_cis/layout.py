# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Says a cluster's files in the words of kube-bench's configuration."""

from __future__ import annotations

from collections.abc import Mapping

# kube-bench's variable, and our name for the file. One file defines all services of a supervisor.
_VARIABLES = {
    "apiserver_conf": "service",
    "scheduler_conf": "service",
    "controllermanager_conf": "service",
    "etcd_conf": "service",
    "kubelet_svc": "service",
    "scheduler_kubeconfig": "scheduler_kubeconfig",
    "controllermanager_kubeconfig": "controller_manager_kubeconfig",
    "etcd_datadir": "etcd_data",
    "kubelet_conf": "kubelet_config",
    "kubelet_kubeconfig": "kubelet_kubeconfig",
    "kubelet_cafile": "kubelet_ca",
    "proxy_kubeconfig": "proxy_kubeconfig",
}

# Paths that stand in the checks themselves.
_FIXED = {
    "/etc/kubernetes/pki": "pki",
    "/etc/kubernetes/admin.conf": "admin_kubeconfig",
    "/etc/kubernetes/super-admin.conf": "super_admin_kubeconfig",
    "/var/lib/cni/networks": "cni",
}


def kube_bench_files(files: Mapping[str, str]) -> dict[str, str]:
    """Return the values of kube-bench's variables."""
    return {variable: files[name] for variable, name in _VARIABLES.items() if name in files}


def replaced_paths(files: Mapping[str, str]) -> dict[str, str]:
    """Return what stands in for the fixed paths of the checks."""
    return {fixed: files[name].rstrip("/") for fixed, name in _FIXED.items() if name in files}
