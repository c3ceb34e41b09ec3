{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{/* Accounts, budgets and network policies. In an environment they belong to the environment, and whoever */}}
{{/* delivers releases cannot touch them; elsewhere (global.guardRails) the charts bring the same. */}}
{{- define "service.guardRails" -}}
{{- if .Values.global.guardRails }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Chart.Name }}
  labels:
    {{- include "service.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- if gt (int .Values.minAvailable) 0 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .Chart.Name }}
  labels:
    {{- include "service.labels" . | nindent 4 }}
spec:
  minAvailable: {{ .Values.minAvailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "service.selector" . | nindent 6 }}
{{- end }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .Chart.Name }}
  labels:
    {{- include "service.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "service.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- include (printf "%s.networkRules" .Chart.Name) . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A peer in the same namespace, by its application. */}}
{{- define "service.peer" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ . }}
{{- end -}}

{{- define "service.scraped" -}}
- from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: monitoring
  ports:
    - port: 9090
{{- end -}}

{{- define "service.resolves" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end -}}
