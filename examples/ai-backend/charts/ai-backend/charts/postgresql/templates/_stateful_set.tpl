{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{- define "postgresql.statefulSet" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: postgresql
  labels:
    {{- include "service.labels" . | nindent 4 }}
  annotations:
    # How a rotation has the server take a new certificate, and sees that it shows it. The other Secrets are read
    # when the pod begins, and the rotation itself sets these passwords.
    rampart.k8s/reload: '{"exec": {"command": ["sh", "-c", "kill -HUP 1"]}}'
    rampart.k8s/probe: '{"certificate": {"port": 5432, "after": "postgresql"}}'
spec:
  replicas: 1
  serviceName: postgresql
  revisionHistoryLimit: 5
  updateStrategy:
    type: RollingUpdate
  selector:
    matchLabels:
      {{- include "service.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "service.podLabels" . | nindent 8 }}
      annotations:
        checksum/config: {{ toYaml .Values.settings | sha256sum }}
    spec:
      serviceAccountName: postgresql
      terminationGracePeriodSeconds: 60
      {{- include "service.podSecurity" . | nindent 6 }}
      initContainers:
        # It alone is given the passwords, before anybody can connect.
        - name: prepare
          image: {{ include "service.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args: [prepare]
          securityContext:
            {{- include "service.containerSecurity" . | nindent 12 }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - name: data
              mountPath: /var/lib/postgresql/data
            - name: tmp
              mountPath: /tmp
            {{- range list "postgresql-admin" "postgresql-rotator" "backend-database" }}
            {{- include "service.secretMount" (dict "name" .) | nindent 12 }}
            {{- end }}
      containers:
        - name: postgresql
          image: {{ include "service.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args:
            - serve
            {{- range $name, $value := .Values.settings }}
            - -c
            - {{ printf "%s=%v" $name $value | quote }}
            {{- end }}
          ports:
            - name: postgresql
              containerPort: 5432
          securityContext:
            {{- include "service.containerSecurity" . | nindent 12 }}
          startupProbe:
            exec: &alive
              command: [/usr/lib/postgresql/15/bin/pg_isready, --host=127.0.0.1, --quiet]
            periodSeconds: 1
            timeoutSeconds: 10
            failureThreshold: 120
          livenessProbe:
            exec: *alive
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 6
          readinessProbe:
            exec: *alive
            periodSeconds: 5
            timeoutSeconds: 10
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - name: data
              mountPath: /var/lib/postgresql/data
            - name: tmp
              mountPath: /tmp
            {{- include "service.secretMount" (dict "name" "postgresql-tls") | nindent 12 }}
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: 64Mi
        {{- if not .Values.persistence.enabled }}
        - name: data
          emptyDir:
            sizeLimit: {{ .Values.persistence.size }}
        {{- end }}
        {{- range list "postgresql-admin" "postgresql-rotator" "backend-database" }}
        {{- include "service.secretVolume" (dict "name" . "items" (list "username" "password")) | nindent 8 }}
        {{- end }}
        {{- include "service.secretVolume" (dict "name" "postgresql-tls" "items" (list "tls.crt" "tls.key")) | nindent 8 }}
  {{- if .Values.persistence.enabled }}
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: Retain
    whenScaled: Retain
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata:
        name: data
        labels:
          {{- include "service.selector" . | nindent 10 }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .Values.persistence.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .Values.persistence.size }}
  {{- end }}
{{- end -}}
