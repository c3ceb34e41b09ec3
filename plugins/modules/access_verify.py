#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_verify
short_description: Prove who may do what, and that nobody may do more
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Computes from the definitions of roles and bindings who may do what, and asks the API server each of
    these questions as a SubjectAccessReview. What must be allowed and what must be denied are both
    asserted.
  - Everybody whom a binding names is asked for everything that any role allows where they hold
    something, and elsewhere for what they hold, which must not reach that far. Applications, default
    accounts, anybody who is logged in and somebody unknown are asked for what must never be given away
    by accident.
  - A grant that is live after its end is a violation, whoever made it.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.gate
  - rampart.k8s.evidence
  - rampart.k8s.evidence.reusable
attributes:
  check_mode:
    support: full
  platform:
    platforms: posix
    support: full
options:
  definitions:
    description: The roles and bindings that were applied.
    type: list
    elements: dict
    required: true
  namespaces:
    description: The namespaces of the environments.
    type: list
    elements: str
    required: true
  bystanders:
    description: ServiceAccounts that must hold none of it, each with C(kind), C(name) and C(namespace).
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Prove the roles of all environments
  rampart.k8s.access_verify:
    definitions: "{{ roles_and_bindings }}"
    namespaces:
      - dev
      - prod
    bystanders:
      - kind: ServiceAccount
        namespace: prod
        name: default
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 1754 proved (1411 refusals, 343 controls)
control:
  description: What was put to the test.
  returned: always
  type: str
  sample: access
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
from ansible_collections.rampart.k8s.plugins.module_utils._verify.access_operation import AccessVerify

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | REUSE
    | ArgumentSpec(
        {
            "definitions": {"type": "list", "elements": "dict", "required": True},
            "namespaces": {"type": "list", "elements": "str", "required": True},
            "bystanders": {"type": "list", "elements": "dict", "default": []},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> AccessVerify:
    """Turn the options into the operation."""
    return AccessVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
