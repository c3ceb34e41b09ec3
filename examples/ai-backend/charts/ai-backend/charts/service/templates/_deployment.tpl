{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{- define "service.deployment" -}}
{{- $secrets := include (printf "%s.secrets" .Chart.Name) . | fromYamlArray -}}
{{- if .Values.tls.secretName -}}
{{- $secrets = append $secrets (dict "name" (printf "%s-tls" .Chart.Name) "secret" .Values.tls.secretName "items" (list "tls.crt" "tls.key")) -}}
{{- end -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Chart.Name }}
  labels:
    {{- include "service.labels" . | nindent 4 }}
  annotations:
    # It reads mounted Secrets again when they change: a rotation restarts nothing.
    rampart.k8s/reload: "{}"
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  progressDeadlineSeconds: {{ .Values.global.progressDeadlineSeconds }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 25%
      maxSurge: 25%
  selector:
    matchLabels:
      {{- include "service.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "service.podLabels" . | nindent 8 }}
      annotations:
        # Another configuration is another pod.
        checksum/config: {{ include "service.configData" . | sha256sum }}
    spec:
      serviceAccountName: {{ .Chart.Name }}
      terminationGracePeriodSeconds: 40
      {{- include "service.podSecurity" . | nindent 6 }}
      containers:
        - name: {{ .Chart.Name }}
          image: {{ include "service.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          envFrom:
            - configMapRef:
                name: {{ .Chart.Name }}
          ports:
            - name: http
              containerPort: 8000
            - name: metrics
              containerPort: 9090
          securityContext:
            {{- include "service.containerSecurity" . | nindent 12 }}
          startupProbe:
            httpGet: &health
              path: /health
              port: http
              scheme: {{ ternary "HTTPS" "HTTP" (not (empty .Values.tls.secretName)) }}
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: 60
          livenessProbe:
            # A restart helps who hangs, and harms who is only slow.
            httpGet: *health
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 6
          readinessProbe:
            httpGet:
              path: /ready
              port: http
              scheme: {{ ternary "HTTPS" "HTTP" (not (empty .Values.tls.secretName)) }}
            periodSeconds: 3
            timeoutSeconds: 5
            failureThreshold: 2
          lifecycle:
            preStop:
              # Until nobody sends anything any more.
              sleep:
                seconds: {{ .Values.global.drainSeconds }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            {{- range $secrets }}
            {{- include "service.secretMount" . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: 16Mi
        {{- range $secrets }}
        {{- include "service.secretVolume" . | nindent 8 }}
        {{- end }}
{{- end -}}
