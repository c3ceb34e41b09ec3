#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: policy_check
short_description: Say what admission policies would break before they are enforced
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Compares everything live in the environments (whatever makes pods, pods that nothing owns, and Ingresses)
    with the admission policies that are not enforced there yet as they are defined.
  - What runs goes on when a policy lands. It vanishes at its next restart, eviction or rollout.
  - The module applies no rule. It puts the policies on trial beside what is enforced, where they only warn,
    and waits until each of them warns of something that it must refuse. Then it sends the twin of each live
    object as a dry run and takes their warnings. The policies on trial are removed again.
  - Exceptions count as they will.
  - An environment in which nothing lives has nothing to break, and no policy is put on trial for it.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.admission
  - rampart.k8s.evidence
attributes:
  check_mode:
    support: full
    details:
      - Counts what would be judged, and puts nothing on trial.
  diff_mode:
    support: none
    details:
      - Nothing is changed for good.
  idempotent:
    support: full
    details:
      - Nothing is changed for good. What a killed run left on trial only warns, and the next run removes it.
  platform:
    platforms: posix
    support: full
options:
  force:
    description: Whether to go on although something would break or could not be judged.
    type: bool
    default: false
  report_only:
    description: Whether to return the verdict without failing on it.
    type: bool
    default: false
  timeout:
    description: Seconds to wait until every policy on trial warns of what it must.
    type: int
    default: 120
seealso:
  - module: rampart.k8s.pod_security_check
  - module: rampart.k8s.policy_verify
"""

EXAMPLES = r"""
- name: Stop unless everything live meets the policies
  rampart.k8s.policy_check:
    definition: "{{ kyverno_definition }}"
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 0 objections of 56 policies to 12 live objects
landing:
  description: How many policies are not enforced yet as they are defined.
  returned: always
  type: int
  sample: 56
passed:
  description: Whether everything was judged and nothing would break.
  returned: always
  type: bool
  sample: true
violations:
  description: What would break, in sentences.
  returned: always
  type: list
  elements: str
  sample: []
breaks:
  description: What would break, as data.
  returned: always
  type: list
  elements: dict
  contains:
    namespace:
      description: Where it is.
      type: str
    kind:
      description: What it is.
      type: str
      sample: Deployment
    name:
      description: Its name.
      type: str
    policy:
      description: The policy that it breaks.
      type: str
      sample: read-only-root
    reason:
      description: What the policy says.
      type: str
not_judged:
  description: What could not be judged, since something else refuses it already.
  returned: always
  type: list
  elements: str
  sample: []
unenforced:
  description: What the definition demands and nobody enforces, with the reason.
  returned: always
  type: list
  elements: str
  sample: []
evidence:
  description: The evidence record of the verdict; empty without O(evidence_dir) and where nothing was judged.
  returned: always
  type: str
  sample: operations_2y:17
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._admission.check_operation import PolicyCheck
from ansible_collections.rampart.k8s.plugins.module_utils._admission.options import DEFINITION
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | DEFINITION
    | ArgumentSpec({"force": {"type": "bool", "default": False}, "timeout": {"type": "int", "default": 120}})
)


def build(module: AnsibleModule, redactor: Redactor) -> PolicyCheck:
    """Turn the options into the operation."""
    return PolicyCheck(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
