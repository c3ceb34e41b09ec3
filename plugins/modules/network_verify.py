#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_verify
short_description: Prove network policies by packets between real pods
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Puts a pod wherever the definition makes a difference, and lets each of them try all others by TCP and
    UDP on every port that any rule opens, by number or by name, and on one that none does. Each of them
    also asks the DNS, and calls the API server, the cloud's metadata address and what O(outside) names.
  - What must arrive is computed from the NetworkPolicies that live, whoever made them, and what must not
    from the definition too. A policy of another kind that may decide about a packet is named, and what it
    may decide is not proven; so is SCTP, which no probe speaks. Of a CiliumNetworkPolicy it is understood
    whom it cannot mean.
  - What must be refused is tried first. A refusal counts only when the listener is shown to answer, or
    when somebody else gets an answer from where it was to go. A pod behind a wall of its own shows
    that the network enforces policies at all. Where it does not, the network is named.
  - A shut UDP port answers whoever gets through to it; such an answer counts as arrival.
  - The pods carry the labels of the applications, so that the policies hold for them, and a readiness
    gate that keeps them out of the applications' Services.
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
  definitions:
    description:
      - The NetworkPolicies that were applied. What they refuse must be refused whatever else lives, and what
        they allow must not be refused by a policy in one of the environments.
    type: list
    elements: dict
    required: true
  peers:
    description: Namespaces outside of the environments that rules let in or out.
    type: list
    elements: str
    default: []
  outside:
    description:
      - TCP endpoints outside of the cluster, as an address and a port, that packets may leave for. Somebody
        has to answer there, since a drop looks like silence.
      - Where nobody answers at an address that is nobody's (RFC 5737), or at the cloud's metadata address,
        this is said under RV(undecided) and is no violation.
    type: list
    elements: str
    default: [203.0.113.1:443]
"""

EXAMPLES = r"""
- name: Prove that packets obey
  rampart.k8s.network_verify:
    environments: "{{ environments_definition }}"
    definitions: "{{ network_policies }}"
    peers:
      - ingress-nginx
      - monitoring
    outside:
      - 198.51.100.7:443
    image: registry.example.com/probe:1
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 1170 proved (1017 refusals, 153 controls)
control:
  description: What was put to the test.
  returned: always
  type: str
  sample: network
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
undecided:
  description: Where nobody gets an answer, so that no refusal is told from silence. The gate stays open.
  returned: when packets were sent
  type: list
  elements: str
  sample: []
policies:
  description: For each policy, how many packets it has a part in letting through and in refusing.
  returned: when packets were sent
  type: dict
  sample: {"dev/rampart-deny": {"allows": 0, "refuses": 214}}
packets:
  description: All packets that were tried, by their source and by what decides about them.
  returned: when packets were sent
  type: dict
  sample:
    dev/backend:
      allowed by dev/rampart-egress-backend and dev/rampart-ingress-agent: dev/agent port 8000
      refused on the way out by dev/rampart-deny, dev/rampart-egress-all: the API server, the cloud's metadata
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
from ansible_collections.rampart.k8s.plugins.module_utils._verify.network import NetworkVerify
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
            "definitions": {"type": "list", "elements": "dict", "required": True},
            "peers": {"type": "list", "elements": "str", "default": []},
            "outside": {"type": "list", "elements": "str", "default": ["203.0.113.1:443"]},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> NetworkVerify:
    """Turn the options into the operation."""
    return NetworkVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
