{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{- define "ai-provider.config" -}}
REQUESTS_PER_MINUTE: {{ .Values.rateLimit.perMinute | quote }}
{{- end -}}

{{/* Each entry of the Secret is one accepted key. */}}
{{- define "ai-provider.secrets" -}}
- name: ai-provider-keys
{{- end -}}

{{- define "ai-provider.networkRules" -}}
ingress:
  - from:
      {{- range .Values.environments }}
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: {{ . }}
        podSelector:
          matchLabels:
            app.kubernetes.io/name: agent
      {{- end }}
    ports:
      - port: 8000
  {{- include "service.scraped" . | nindent 2 }}
egress: []
{{- end -}}
