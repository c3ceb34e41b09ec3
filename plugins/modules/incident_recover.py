#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident_recover
short_description: End the quarantine of pods at once
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Undoes what M(rampart.k8s.incident_contain) did, in the same way as its Job does when the time is over.
    Pods get the labels back that they had, workloads their replicas, and the policies go with all that
    belongs to them.
  - What was revoked stays revoked, and evidence stays where it is.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the pods whose quarantine ends.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
options:
  ids:
    description: The incidents. When the list is empty, it is all that stand in the cluster.
    type: list
    elements: str
    default: []
  folder:
    description: Where the incidents have their folders, to add this phase to their timelines.
    type: path
seealso:
  - module: rampart.k8s.incident_contain
"""

EXAMPLES = r"""
- name: End one quarantine
  rampart.k8s.incident_recover:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    ids: [incident-4711]
    folder: /var/lib/rampart/incidents
"""

RETURN = r"""
reason:
  description: Whose quarantine ends.
  returned: always
  type: str
  sample: nothing is in quarantine
recovered:
  description: What was taken back.
  returned: success
  type: list
  elements: dict
  sample: [{"id": "incident-4711", "namespace": "prod", "pod": "backend-6d9f7c-x2x4z", "undo": []}]
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._incident.recover_operation import (
    SPEC,
    IncidentRecover,
)


def main() -> None:
    """Run the module."""
    run(
        SPEC,
        lambda module, redactor: IncidentRecover(module.params, redactor, check_mode=module.check_mode),
    )


if __name__ == "__main__":
    main()
