{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{/* What a service is told; each chart defines "<name>.config" for what is its own. Nothing of it is secret. */}}
{{- define "service.configData" -}}
APP_ENVIRONMENT: {{ .Values.global.environment | quote }}
APP_VERSION: {{ .Values.image.digest | default .Values.image.tag | quote }}
LOG_LEVEL: {{ .Values.global.logLevel | quote }}
LISTEN_PORT: "8000"
METRICS_PORT: "9090"
{{- with .Values.global.tracing.endpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
{{- end }}
{{- if .Values.tls.secretName }}
TLS_FOLDER: /run/secrets/{{ .Chart.Name }}-tls
{{- end }}
{{ include (printf "%s.config" .Chart.Name) . }}
{{- end -}}

{{- define "service.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Chart.Name }}
  labels:
    {{- include "service.labels" . | nindent 4 }}
data:
  {{- include "service.configData" . | nindent 2 }}
{{- end -}}
