#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: checklist_verify
short_description: Answer a checklist by evidence
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Each item names the gates that prove it. The last word of each gate on everything that it judged decides;
    all of them must have passed. The evidence store is verified as a whole first.
  - An item that no gate proves, or whose evidence is missing, too old or incomplete, is not proven. Nothing
    but evidence makes an item pass.
  - Evidence on a cluster counts for this cluster only, and other evidence for the inventory host in
    O(evidence_play), where that is given.
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
    details:
      - Answers the items from the evidence that there is, and neither fails nor writes anything. It completes
        where there is no cluster yet.
  platform:
    platforms: posix
    support: full
options:
  items:
    description: The checklist.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: A name of its own, such as V(infrastructure-2).
        type: str
        required: true
      part:
        description: The part of the checklist that it belongs to.
        type: str
        required: true
      text:
        description: Its words.
        type: str
        required: true
      proofs:
        description: What must have passed. Without any the item is not proven.
        type: list
        elements: dict
        default: []
        suboptions:
          gate:
            description: The gate, by the name of its module.
            type: str
            required: true
          control:
            description: One control of a gate that judges several, as M(rampart.k8s.service_verify) does.
            type: str
          max_age_hours:
            description: How old its evidence may be; as O(max_age_hours) says when it is 0.
            type: int
            default: 0
      why:
        description: Why no gate proves it.
        type: str
        default: ""
  max_age_hours:
    description: How old evidence may be.
    type: int
    default: 24
  report_paths:
    description: Files for the result; their names end with V(.xml) (JUnit) or V(.json).
    type: list
    elements: path
    default: []
seealso:
  - module: rampart.k8s.evidence_info
  - module: rampart.k8s.service_verify
"""

EXAMPLES = r"""
- name: Answer the checklist
  rampart.k8s.checklist_verify:
    evidence_dir: /var/lib/rampart/evidence
    items:
      - id: infrastructure-2
        part: Infrastructure Security
        text: Network policies configured and tested
        proofs:
          - gate: network_verify
    report_paths: [checklist.xml]
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
  sample: checklist
passed:
  description: Whether every item has passed.
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
answers:
  description: The items with their verdicts.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Its name.
      type: str
      sample: infrastructure-2
    part:
      description: The part of the checklist.
      type: str
      sample: Infrastructure Security
    text:
      description: Its words.
      type: str
      sample: Network policies configured and tested
    gates:
      description: The gates that prove it.
      type: list
      elements: str
      sample: [network_verify]
    verdict:
      description: One of V(passed), V(failed) and V(not proven).
      type: str
      sample: passed
    evidence:
      description: The records that the verdict comes from.
      type: list
      elements: str
      sample: [security_7y:17]
    reasons:
      description: Why it has not passed.
      type: list
      elements: str
      sample: []
tallies:
  description: How many items have which verdict.
  returned: always
  type: dict
  sample: {"passed": 12, "failed": 0, "not_proven": 6}
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
from ansible_collections.rampart.k8s.plugins.module_utils._verify.checklist_operation import ChecklistVerify
from ansible_collections.rampart.k8s.plugins.module_utils._verify.options import PROVABLE

PROOF = {
    "gate": {"type": "str", "required": True},
    "control": {"type": "str"},
    "max_age_hours": {"type": "int", "default": 0},
}
ITEM = {
    "id": {"type": "str", "required": True},
    "part": {"type": "str", "required": True},
    "text": {"type": "str", "required": True},
    "proofs": {"type": "list", "elements": "dict", "default": [], "options": PROOF},
    "why": {"type": "str", "default": ""},
}

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | PROVABLE
    | ArgumentSpec(
        {
            "items": {"type": "list", "elements": "dict", "required": True, "options": ITEM},
            "max_age_hours": {"type": "int", "default": 24},
            "report_paths": {"type": "list", "elements": "path", "default": []},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> ChecklistVerify:
    """Turn the options into the operation."""
    return ChecklistVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
