{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{/* The whole way, from a token to what is kept in the database. It is a Job: whoever delivers may make no pods. */}}
{{- define "backend.test" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: backend-test
  labels:
    {{- include "service.labels" . | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 120
  template:
    metadata:
      labels:
        app.kubernetes.io/name: backend-test
        app.kubernetes.io/instance: {{ .Release.Name }}
        app.kubernetes.io/part-of: ai-backend
    spec:
      restartPolicy: Never
      serviceAccountName: backend
      {{- include "service.podSecurity" . | nindent 6 }}
      containers:
        - name: backend-test
          image: {{ include "service.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          command: [/usr/bin/python3.11, -m, backend.smoke]
          env:
            - name: BACKEND_URL
              value: {{ ternary "https" "http" (not (empty .Values.tls.secretName)) }}://backend:8000
            {{- if .Values.tls.secretName }}
            - name: BACKEND_CA
              value: /run/secrets/backend-ca/ca.crt
            {{- end }}
            - name: JWT_ISSUER
              value: {{ tpl .Values.jwt.issuer . | quote }}
            - name: JWT_AUDIENCE
              value: {{ .Values.jwt.audience | quote }}
          securityContext:
            {{- include "service.containerSecurity" . | nindent 12 }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - name: jwt-signing
              mountPath: /run/secrets/jwt-signing
              readOnly: true
            {{- if .Values.tls.secretName }}
            - name: backend-ca
              mountPath: /run/secrets/backend-ca
              readOnly: true
            {{- end }}
      volumes:
        {{- include "service.secretVolume" (dict "name" "jwt-signing") | nindent 8 }}
        {{- with .Values.tls.secretName }}
        {{- include "service.secretVolume" (dict "name" "backend-ca" "secret" . "items" (list "ca.crt")) | nindent 8 }}
        {{- end }}
{{- end -}}
