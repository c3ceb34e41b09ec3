{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{ include "postgresql.statefulSet" . }}
---
{{ include "postgresql.service" . }}
---
{{ include "service.guardRails" . }}
