#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident_alerts_info
short_description: Read alerts of Falco and of the audit log
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Reads alerts as Falco sends them to a webhook, and events as the API server writes them into its audit
    log, and says which pod each is about and how bad it is.
  - An event that a pod caused with its token is about this pod.
  - A file that cannot be understood fails the task, before anything is done about the others.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.read_only
attributes:
  platform:
    platforms: posix
    support: full
options:
  path:
    description: A file with one alert as JSON, or a folder of such files whose names end with C(.json).
    type: path
    required: true
seealso:
  - module: rampart.k8s.incident_contain
"""

EXAMPLES = r"""
- name: Read what is in the queue
  rampart.k8s.incident_alerts_info:
    path: /var/spool/rampart/alerts
"""

RETURN = r"""
reason:
  description: How many alerts there are.
  returned: always
  type: str
  sample: 2 alerts about 1 pods
alerts:
  description: The worst alert about each pod.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: A name for the incident, the same for the same trouble of the same pod.
      type: str
      sample: falco-0a1b2c3d4e
    namespace:
      description: The namespace of the pod.
      type: str
      sample: prod
    pod:
      description: The pod.
      type: str
      sample: backend-6d9f7c-x2x4z
    severity:
      description: How bad it is.
      type: str
      sample: high
    title:
      description: The rule, or what was done.
      type: str
      sample: Terminal shell in container
    source:
      description: Who noticed it, V(falco) or V(audit).
      type: str
      sample: falco
    time:
      description: When it was noticed.
      type: str
      sample: "2026-11-28T08:00:00Z"
others:
  description:
    - The alerts that are about no pod, such as a change of rights by somebody. Nothing can be cut off, but
      somebody is to be told.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The same for the same trouble.
      type: str
      sample: audit-0a1b2c3d4e
    severity:
      description: How bad it is.
      type: str
      sample: medium
    title:
      description: The rule, and who did it.
      type: str
      sample: Rights changed by jane
    time:
      description: When it was noticed.
      type: str
      sample: "2026-11-28T08:00:00Z"
files:
  description: The files that were read.
  returned: success
  type: list
  elements: str
  sample: [/var/spool/rampart/alerts/1.json]
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._incident.alerts_operation import (
    SPEC,
    IncidentAlerts,
)


def main() -> None:
    """Run the module."""
    run(SPEC, lambda module, _redactor: IncidentAlerts(module.params))


if __name__ == "__main__":
    main()
