#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: endpoint_verify
short_description: Prove that the API server and the kubelets let no stranger in
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Asks the API server and each kubelet for something without any credential, and greets them with TLS
    1.1. Both must be refused.
  - A door that cannot be reached from here, or a protocol that this machine cannot speak, is reported
    as not proven.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.gate
  - rampart.k8s.gate.provable
  - rampart.k8s.evidence
attributes:
  check_mode:
    support: full
  platform:
    platforms: posix
    support: full
options:
  refusals:
    description:
      - The HTTP status codes that count as a refusal. A server that knows anonymous users answers V(403).
    type: list
    elements: int
    default: [401]
"""

EXAMPLES = r"""
- name: Prove that strangers stay outside
  rampart.k8s.endpoint_verify:
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 6 proved (4 refusals, 2 controls)
control:
  description: What was put to the test.
  returned: always
  type: str
  sample: endpoints
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
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION
from ansible_collections.rampart.k8s.plugins.module_utils._verify.endpoints import EndpointVerify
from ansible_collections.rampart.k8s.plugins.module_utils._verify.options import PROVABLE

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | PROVABLE
    | ArgumentSpec(
        {
            "refusals": {"type": "list", "elements": "int", "default": [401]},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> EndpointVerify:
    """Turn the options into the operation."""
    return EndpointVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
