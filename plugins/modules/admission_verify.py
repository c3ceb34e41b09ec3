#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: admission_verify
short_description: Prove what an environment refuses to run
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Tries in each environment what must be refused (a privileged pod, one that runs as root, one that
    reaches the node, one above the limit of a container, one above the quota, a port on every node), as
    dry runs. Each differs in one thing from a harmless pod that must be accepted.
  - A refusal counts only when the control in question gave it. A pod that was refused for another
    reason proves nothing.
  - A Deployment with a bad template is admitted with a warning. What a dry run cannot show is shown for
    real, namely that its ReplicaSet makes no pod.
  - A grant without an end, or with one too far away, must be refused by the API server.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.gate
  - rampart.k8s.gate.provable
  - rampart.k8s.gate.pods
  - rampart.k8s.evidence
  - rampart.k8s.evidence.reusable
attributes:
  check_mode:
    support: full
  platform:
    platforms: posix
    support: full
options:
  grant_role:
    description: The ClusterRole that may only be given for a time. Without it, grants are not tried.
    type: str
  grant_longest_hours:
    description: How long a grant may last.
    type: int
    default: 168
"""

EXAMPLES = r"""
- name: Prove what is refused
  rampart.k8s.admission_verify:
    environments: "{{ environments_definition }}"
    image: registry.example.com/probe:1
    grant_role: rampart-break-glass
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 48 proved (36 refusals, 12 controls)
control:
  description: What was put to the test.
  returned: always
  type: str
  sample: admission
passed:
  description: Whether the gate is open. A gate that saw no refusal at all is shut.
  returned: always
  type: bool
  sample: true
violations:
  description: What did not hold, in sentences.
  returned: always
  type: list
  elements: str
  sample: []
not_proven:
  description: What could not be put to the test here, with the reason.
  returned: always
  type: list
  elements: str
  sample: []
counts:
  description: How many claims were proved, of these how many refusals and how many controls, and the rest.
  returned: always
  type: dict
  sample: {"proved": 100, "denied": 90, "allowed": 10, "violations": 0, "not_proven": 0}
reused:
  description: Whether an earlier proof was taken over, since nothing that it depends on has changed.
  returned: always
  type: bool
  sample: false
evidence:
  description: The evidence record of the verdict; empty without O(evidence_dir) and where nothing was judged.
  returned: always
  type: str
  sample: security_7y:17
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE, REUSE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION
from ansible_collections.rampart.k8s.plugins.module_utils._verify.admission_operation import AdmissionVerify
from ansible_collections.rampart.k8s.plugins.module_utils._verify.options import PODS, PROVABLE

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | REUSE
    | PROVABLE
    | PODS
    | ArgumentSpec(
        {
            "grant_role": {"type": "str"},
            "grant_longest_hours": {"type": "int", "default": 168},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> AdmissionVerify:
    """Turn the options into the operation."""
    return AdmissionVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
