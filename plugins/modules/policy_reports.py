#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: policy_reports
short_description: Turn Kyverno's policy reports into a verdict and evidence
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Reads what Kyverno's background scan says of everything live in the environments, and fails where
    something lives in breach of a policy that is enforced there.
  - Such a thing is older than the policy, or was let through while Kyverno was away. It will not come up
    again.
  - An environment in which something lives and of which nothing was reported is no pass.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.read_only
  - rampart.k8s.admission
  - rampart.k8s.evidence
attributes:
  check_mode:
    details:
      - The module only reads.
  platform:
    platforms: posix
    support: full
options:
  report_only:
    description: Whether to return the verdict without failing on it.
    type: bool
    default: false
  timeout:
    description: For how many seconds to wait for the first report of an environment in which something lives.
    type: int
    default: 60
seealso:
  - module: rampart.k8s.policy_verify
"""

EXAMPLES = r"""
- name: Keep what Kyverno found as evidence
  rampart.k8s.policy_reports:
    definition: "{{ kyverno_definition }}"
    evidence_dir: /var/lib/rampart/evidence
    report_only: true
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 324 passed, 0 failed
passed:
  description: Whether nothing lives in breach of an enforced policy, and everything was reported.
  returned: always
  type: bool
  sample: true
counts:
  description: How many results of each kind there are.
  returned: always
  type: dict
  sample: {"pass": 324, "fail": 0, "warn": 0, "error": 0, "skip": 0}
violations:
  description: What lives in breach of a policy, in sentences.
  returned: always
  type: list
  elements: str
  sample: []
warned:
  description: The same for environments whose policies only warn.
  returned: always
  type: list
  elements: str
  sample: []
not_proven:
  description: What was not reported.
  returned: always
  type: list
  elements: str
  sample: []
evidence:
  description: The evidence record of the verdict; empty without O(evidence_dir) and where nothing was judged.
  returned: always
  type: str
  sample: security_7y:17
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._admission.options import DEFINITION
from ansible_collections.rampart.k8s.plugins.module_utils._admission.reports import PolicyReports
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION

SPEC = CONNECTION | REPORT | EVIDENCE | DEFINITION | ArgumentSpec({"timeout": {"type": "int", "default": 60}})


def build(module: AnsibleModule, redactor: Redactor) -> PolicyReports:
    """Turn the options into the operation."""
    return PolicyReports(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
