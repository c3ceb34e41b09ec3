{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{- define "backend.config" -}}
AGENT_URL: {{ .Values.agentUrl | quote }}
AGENT_TIMEOUT: {{ .Values.agentTimeout | quote }}
JWT_ISSUER: {{ tpl .Values.jwt.issuer . | quote }}
JWT_AUDIENCE: {{ .Values.jwt.audience | quote }}
DATABASE_HOST: {{ .Values.database.host | quote }}
DATABASE_PORT: {{ .Values.database.port | quote }}
DATABASE_NAME: {{ .Values.database.name | quote }}
DATABASE_CONNECTIONS: {{ .Values.database.connections | quote }}
REQUESTS_BURST: {{ .Values.rateLimit.burst | quote }}
REQUESTS_PER_MINUTE: {{ .Values.rateLimit.perMinute | quote }}
{{- with .Values.agentCaSecret }}
AGENT_CA: /run/secrets/agent-ca/ca.crt
{{- end }}
{{- end -}}

{{- define "backend.secrets" -}}
- name: backend-database
  items: [username, password]
- name: backend-jwks
  items: [jwks.json]
# Of the database's certificate only who signed it.
- name: postgresql-ca
  secret: {{ .Values.database.caSecret }}
  items: [ca.crt]
{{- with .Values.agentCaSecret }}
- name: agent-ca
  secret: {{ . }}
  items: [ca.crt]
{{- end }}
{{- end -}}

{{- define "backend.networkRules" -}}
ingress:
  - from:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: ingress-nginx
      {{- include "service.peer" "backend-test" | nindent 6 }}
    ports:
      - port: 8000
  {{- include "service.scraped" . | nindent 2 }}
egress:
  {{- include "service.resolves" . | nindent 2 }}
  - to:
      {{- include "service.peer" "agent" | nindent 6 }}
    ports:
      - port: 8000
  - to:
      {{- include "service.peer" "postgresql" | nindent 6 }}
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: database
    ports:
      - port: {{ .Values.database.port }}
{{- end -}}
