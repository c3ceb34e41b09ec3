{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{- define "postgresql.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: postgresql
  labels:
    {{- include "service.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  selector:
    {{- include "service.selector" . | nindent 4 }}
  ports:
    - name: postgresql
      port: 5432
      targetPort: postgresql
{{- end -}}
