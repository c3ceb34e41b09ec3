{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{/* How others reach a service, and how it scales and is watched. */}}
{{- define "service.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .Chart.Name }}
  labels:
    {{- include "service.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  selector:
    {{- include "service.selector" . | nindent 4 }}
  ports:
    - name: {{ ternary "https" "http" (not (empty .Values.tls.secretName)) }}
      port: 8000
      targetPort: http
    - name: metrics
      port: 9090
      targetPort: metrics
{{- end -}}

{{- define "service.autoscaler" -}}
{{- if .Values.autoscaling.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .Chart.Name }}
  labels:
    {{- include "service.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .Chart.Name }}
  minReplicas: {{ .Values.replicas }}
  maxReplicas: {{ .Values.autoscaling.maxReplicas }}
  behavior:
    scaleUp:
      # Starting costs more than answering: a rollout is no load.
      stabilizationWindowSeconds: 60
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .Values.autoscaling.cpuPercent }}
{{- end -}}
{{- end -}}

{{/* Only where somebody knows what that is. */}}
{{- define "service.monitor" -}}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .Chart.Name }}
  labels:
    {{- include "service.labels" . | nindent 4 }}
spec:
  selector:
    matchLabels:
      {{- include "service.selector" . | nindent 6 }}
  endpoints:
    - port: metrics
      interval: 30s
{{- end -}}
{{- end -}}
