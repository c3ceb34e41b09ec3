#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_alerts
short_description: Make alerts of what the API server has logged
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Reads what was added to the audit log since the last run, over all files that it was rotated into, and
    evaluates it by rules about C(k8s_audit) as Falco writes them. No Falco is needed.
  - Each alert becomes a file in O(queue), worded as Falco sends it. C(incident.yml) reads that folder.
  - How far was read stands beside the alerts, so that no event is missed and none is told twice. A last line
    that is half written is left for the next run.
  - The first run begins with the current file.
extends_documentation_fragment:
  - rampart.k8s.attributes
attributes:
  check_mode:
    support: full
    details:
      - Returns the alerts that would be written, and writes neither them nor how far it read.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A second run changes nothing while nothing was logged.
  platform:
    platforms: posix
    support: full
options:
  log:
    description: The file that the API server writes (C(--audit-log-path)).
    type: path
    required: true
  files:
    description: The files of rules, in the order in which Falco would load them.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The file, which is read unless O(files[].content) is given. Findings name it.
        type: str
        required: true
      content:
        description: What stands in it.
        type: str
  queue:
    description: The folder that gets a file for each alert. It is made when it is not there.
    type: path
    required: true
  most:
    description: The most alerts of one run; the rest is told by the next.
    type: int
    default: 100
requirements:
  - PyYAML
seealso:
  - module: rampart.k8s.falco_rules_check
  - module: rampart.k8s.incident_alerts_info
"""

EXAMPLES = r"""
- name: Tell what the audit log shows
  rampart.k8s.audit_alerts:
    log: /var/log/kubernetes/audit/audit.log
    files:
      - path: /etc/rampart/rules/k8s_audit.yaml
    queue: /var/spool/rampart/alerts
"""

RETURN = r"""
reason:
  description: What was read and found, in a sentence.
  returned: always
  type: str
  sample: 1 alerts in 214 new lines
alerts:
  description: What is told by this run.
  returned: success
  type: list
  elements: dict
  contains:
    file:
      description: The file of the alert.
      type: str
    rule:
      description: The rule.
      type: str
      sample: Secret read by an unexpected reader
    priority:
      description: How bad it is.
      type: str
      sample: Error
    time:
      description: When the API server was asked.
      type: str
    namespace:
      description: The namespace of the pod that did it, or that it is about; empty where there is none.
      type: str
    pod:
      description: That pod.
      type: str
lines:
  description: How many lines were read.
  returned: success
  type: int
  sample: 214
unreadable:
  description: How many of them are no audit events.
  returned: success
  type: int
  sample: 0
lost:
  description: Whether lines were rotated away before anybody read them.
  returned: success
  type: bool
  sample: false
more:
  description: Whether the next run has to go on, since O(most) was reached.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._falco.audit_operation import SPEC, AuditAlerts


def main() -> None:
    """Run the module."""
    run(SPEC, lambda module, _redactor: AuditAlerts(module.params))


if __name__ == "__main__":
    main()
