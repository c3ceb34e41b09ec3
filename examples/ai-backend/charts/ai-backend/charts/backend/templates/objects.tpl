{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{ include "service.configMap" . }}
---
{{ include "service.deployment" . }}
---
{{ include "service.service" . }}
---
{{ include "service.autoscaler" . }}
---
{{ include "service.monitor" . }}
---
{{ include "service.guardRails" . }}
