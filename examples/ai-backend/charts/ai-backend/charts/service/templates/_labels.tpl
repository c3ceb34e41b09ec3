{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{/* An application is called the same everywhere: its chart, its objects, and the label that rules select. */}}
{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Without a version: a new version of the whole does not replace pods whose image stayed the same. */}}
{{- define "service.podLabels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/part-of: ai-backend
{{- end -}}

{{- define "service.labels" -}}
{{ include "service.podLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{- end -}}

{{- define "service.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest }}
{{- else -}}
{{ printf "%s:%s" .repository (required (printf "the image %s needs a digest, or a tag" .repository) .tag) }}
{{- end -}}
{{- end -}}
{{- end -}}
