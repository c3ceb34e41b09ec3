#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quota_check
short_description: Say what a quota or a limit range would break before it lands
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Compares what is live in some namespaces with the quota and the limit range that are to land there.
  - Kubernetes accepts a quota below the current use without a word. What runs goes on, and the next restart,
    rollout or scale-up is refused.
  - Only what gets tighter is judged. Where a quota with the same key stands already, the API server's own
    count is used; otherwise requests and limits are summed up as the quota would do it.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.read_only
  - rampart.k8s.evidence
attributes:
  platform:
    platforms: posix
    support: full
options:
  namespaces:
    description: The namespaces and what is to land in each.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the namespace.
        type: str
        required: true
      object:
        description: The name of the ResourceQuota and of the LimitRange.
        type: str
        default: rampart
      quota:
        description: The C(spec.hard) of the quota.
        type: dict
        default: {}
      limit_range:
        description: The C(max) and C(default) of containers, as in a LimitRange.
        type: dict
        default: {}
  force:
    description: Whether to go on although something would break.
    type: bool
    default: false
  report_only:
    description: Whether to return the verdict without failing on it.
    type: bool
    default: false
seealso:
  - module: rampart.k8s.pod_security_check
"""

EXAMPLES = r"""
- name: Stop when prod already uses more than it is to have
  rampart.k8s.quota_check:
    namespaces:
      - name: prod
        quota:
          pods: "20"
          requests.cpu: "8"
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: no quota or limit gets tighter
passed:
  description: Whether nothing would break.
  returned: always
  type: bool
  sample: true
violations:
  description: What would break, in sentences.
  returned: always
  type: list
  elements: str
  sample: ["prod: pods is at 31, the quota would be 20"]
breaks:
  description: What would break, as data; a key with C(hard) and C(used), or a workload with its container.
  returned: always
  type: list
  elements: dict
  sample: []
not_judged:
  description: Keys of quotas that only the API server can count, once they stand.
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
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION
from ansible_collections.rampart.k8s.plugins.module_utils._policy.quota import QuotaCheck

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | ArgumentSpec(
        {
            "namespaces": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "object": {"type": "str", "default": "rampart"},
                    "quota": {"type": "dict", "default": {}},
                    "limit_range": {"type": "dict", "default": {}},
                },
            },
            "force": {"type": "bool", "default": False},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> QuotaCheck:
    """Turn the options into the operation."""
    return QuotaCheck(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
