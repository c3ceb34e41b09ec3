#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_security_check
short_description: Say what a Pod Security level would break before it is enforced
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Compares everything that makes pods in some namespaces (Deployment, StatefulSet, DaemonSet, ReplicaSet,
    ReplicationController, Job, CronJob and pods that nothing owns) with a Pod Security level.
  - Kubernetes itself only warns when the level lands. The pods go on, and vanish at their next restart,
    eviction or rollout.
  - The module knows no rule of the standard. It sends every template back to the API server as a dry run and
    takes the server's own warning, and it tries the label on the namespace as a dry run for what is left.
  - Templates are judged in a namespace that already carries the level as its C(warn) label. The role
    P(rampart.k8s.namespaces#role) sets it, and it changes nothing that runs.
  - A namespace that does not exist yet, or that enforces the level already, has nothing to break.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.read_only
  - rampart.k8s.evidence
attributes:
  check_mode:
    details:
      - The module only reads and sends dry runs. Workloads of a namespace that does not carry the C(warn)
        label yet are listed in RV(not_judged) instead of being a failure.
  platform:
    platforms: posix
    support: full
options:
  namespaces:
    description: The namespaces and the level that is to be enforced in each.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the namespace.
        type: str
        required: true
      level:
        description: The level.
        type: str
        required: true
        choices: [privileged, baseline, restricted]
      version:
        description: The version of the rules, V(latest) or as in V(v1.36).
        type: str
        default: latest
  force:
    description: Whether to go on although something would break or could not be judged.
    type: bool
    default: false
  report_only:
    description: Whether to return the verdict without failing on it.
    type: bool
    default: false
seealso:
  - module: rampart.k8s.quota_check
"""

EXAMPLES = r"""
- name: Stop unless everything in prod meets the level restricted
  rampart.k8s.pod_security_check:
    namespaces:
      - name: prod
        level: restricted
        version: v1.36
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 0 workloads would break in 3 namespaces
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
      description: What makes the pods.
      type: str
      sample: Deployment
    name:
      description: Its name.
      type: str
    reason:
      description: The API server's reason.
      type: str
not_judged:
  description: What could not be judged.
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
from ansible_collections.rampart.k8s.plugins.module_utils._policy.pod_security import PodSecurityCheck

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
                    "level": {
                        "type": "str",
                        "required": True,
                        "choices": ["privileged", "baseline", "restricted"],
                    },
                    "version": {"type": "str", "default": "latest"},
                },
            },
            "force": {"type": "bool", "default": False},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> PodSecurityCheck:
    """Turn the options into the operation."""
    return PodSecurityCheck(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
