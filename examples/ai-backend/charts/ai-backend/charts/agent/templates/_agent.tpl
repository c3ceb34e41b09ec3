{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{- define "agent.config" -}}
PROVIDER_URL: {{ .Values.provider.url | quote }}
PROVIDER_MODEL: {{ .Values.provider.model | quote }}
PROVIDER_TIMEOUT: {{ .Values.provider.timeout | quote }}
REQUESTS_BURST: {{ .Values.rateLimit.burst | quote }}
REQUESTS_PER_MINUTE: {{ .Values.rateLimit.perMinute | quote }}
REQUESTS_PARALLEL: {{ .Values.rateLimit.parallel | quote }}
{{- with .Values.provider.caSecret }}
PROVIDER_CA: /run/secrets/provider-ca/ca.crt
{{- end }}
{{- end -}}

{{- define "agent.secrets" -}}
- name: agent-provider
  items: [api-key]
{{- with .Values.provider.caSecret }}
- name: provider-ca
  secret: {{ . }}
  items: [ca.crt]
{{- end }}
{{- end -}}

{{- define "agent.networkRules" -}}
ingress:
  - from:
      {{- include "service.peer" "backend" | nindent 6 }}
    ports:
      - port: 8000
  {{- include "service.scraped" . | nindent 2 }}
egress:
  {{- include "service.resolves" . | nindent 2 }}
  - to:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: ai-provider
        podSelector:
          matchLabels:
            app.kubernetes.io/name: ai-provider
    ports:
      - port: 8000
  # Providers publish no fixed addresses: the internet, without everything that is not the internet.
  - to:
      - ipBlock:
          cidr: 0.0.0.0/0
          except: [0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12,
            192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4]
    ports:
      - port: 443
{{- end -}}
