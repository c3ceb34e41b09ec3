#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: policy_verify
short_description: Prove each admission policy by what it refuses and what it accepts
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Tries for each policy of each environment an object that it must refuse and one that it must accept, as
    dry runs against the real admission of the cluster. The two differ in what the policy is about, and in
    nothing else.
  - A refusal counts only when the policy in question gave it, and only when it judged. A policy that could
    not judge refuses too, and proves nothing.
  - With Kyverno it also proves what a dry run cannot show. An exception lets pass until its end and not any
    longer. A new namespace is closed and bounded. A pod that says nothing gets the safe answer. Kyverno's own
    namespace does not depend on Kyverno.
  - Where images must be signed, it shows that one that nobody has signed is refused.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.admission
  - rampart.k8s.gate
  - rampart.k8s.gate.provable
  - rampart.k8s.evidence
  - rampart.k8s.evidence.reusable
attributes:
  check_mode:
    support: full
  platform:
    platforms: posix
    support: full
options:
  signed_image:
    description: An image that is signed, and has the attestations that are demanded, by its digest.
    type: str
    default: ""
  unsigned_image:
    description: An image that nobody has signed, by its digest.
    type: str
    default: ""
  timeout:
    description: For how many seconds Kyverno may take to make what a new namespace gets.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Prove what is refused
  rampart.k8s.policy_verify:
    definition: "{{ kyverno_definition }}"
    signed_image: registry.example.com/signed@sha256:{{ signed }}
    unsigned_image: registry.example.com/unsigned@sha256:{{ unsigned }}
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 240 proved (180 refusals, 60 controls)
control:
  description: What was put to the test.
  returned: always
  type: str
  sample: admission policies
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
  sample: {"proved": 240, "denied": 180, "allowed": 60, "violations": 0, "not_proven": 0}
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
from ansible_collections.rampart.k8s.plugins.module_utils._admission.options import DEFINITION
from ansible_collections.rampart.k8s.plugins.module_utils._admission.verify_operation import PolicyVerify
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE, REUSE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION
from ansible_collections.rampart.k8s.plugins.module_utils._verify.options import PROVABLE

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | REUSE
    | PROVABLE
    | DEFINITION
    | ArgumentSpec(
        {
            "signed_image": {"type": "str", "default": ""},
            "unsigned_image": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 60},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> PolicyVerify:
    """Turn the options into the operation."""
    return PolicyVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
