{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{- define "postgresql.networkRules" -}}
ingress:
  - from:
      {{- include "service.peer" "backend" | nindent 6 }}
    ports:
      - port: 5432
egress: []
{{- end -}}
