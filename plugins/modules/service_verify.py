#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_verify
short_description: Prove what delivered Services open, how they speak TLS, and whom they refuse
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Reads from the kernel of every running pod which TCP ports it listens on. A port that neither the pod nor
    a Service in front of it declares is a violation, and so is a port of a node.
  - Greets every TCP port of every Service with TLS of today, with TLS 1.1, and with ciphers that protect
    nothing, and verifies the certificate. A port that speaks plain text is a violation, unless O(plain) says
    why it may.
  - Sends requests that must be answered or refused, and looks at what the answer tells and whether it was
    logged.
  - Everything goes through the API server into the pods, so network policies play no part here; see
    M(rampart.k8s.network_verify) for these.
  - What could not be tried is not proven. What was found of each control stands in RV(controls).
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
  namespaces:
    description: The namespaces that Services were delivered to.
    type: list
    elements: str
    required: true
  tls:
    description: What is known of ports that speak TLS. Those that are not named must speak it too.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace:
        description: The namespace; every one of O(namespaces) without it.
        type: str
      service:
        description: The Service.
        type: str
        required: true
      port:
        description: The port of the Service.
        type: int
        required: true
      protocol:
        description: How TLS begins; PostgreSQL is asked for it in its own protocol first.
        type: str
        choices: [tls, postgresql]
        default: tls
      server_name:
        description: The name that the certificate must be for; C(<service>.<namespace>.svc) by default.
        type: str
      ca_secret:
        description:
          - The Secret, in the namespace of the Service, with the certificate of the authority that must have
            signed. Without it the certificate is not proven.
        type: str
      ca_key:
        description: The key of that certificate.
        type: str
        default: ca.crt
  plain:
    description: The ports that may speak plain text.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace:
        description: The namespace; every one of O(namespaces) without it.
        type: str
      service:
        description: The Service.
        type: str
        required: true
      port:
        description: The port of the Service.
        type: int
        required: true
      reason:
        description: Why it may.
        type: str
        required: true
  open:
    description: The Services, as C(<namespace>/<name>), that may be open to the outside of the cluster.
    type: list
    elements: str
    default: []
  requests:
    description: What is asked of Services over HTTP.
    type: list
    elements: dict
    default: []
    suboptions:
      control:
        description: What it proves, such as V(health), V(authentication), V(input) or V(errors).
        type: str
        required: true
      namespace:
        description: The namespace; every one of O(namespaces) without it.
        type: str
      service:
        description: The Service.
        type: str
        required: true
      port:
        description: The port of the Service. It is asked with TLS, unless it stands in O(plain).
        type: int
        required: true
      method:
        description: The method.
        type: str
        default: GET
      path:
        description: The path.
        type: str
        required: true
      headers:
        description: Headers to send. They are no place for a credential that is real.
        type: dict
        default: {}
      body:
        description: What to send.
        type: str
        default: ""
      status:
        description: The statuses of which one must come.
        type: list
        elements: int
        default: [200]
      response_headers:
        description: Headers that must come, with the pattern of each.
        type: dict
        default: {}
      absent:
        description: Patterns that must be nowhere in the answer.
        type: list
        elements: str
        default: []
      logged:
        description: A pattern that a new line of the pod's log must match.
        type: str
  min_days:
    description: For how many days a certificate must still be valid.
    type: int
    default: 7
"""

EXAMPLES = r"""
- name: Prove what the releases open and refuse
  rampart.k8s.service_verify:
    namespaces: [staging, prod]
    tls:
      - service: postgresql
        port: 5432
        protocol: postgresql
        ca_secret: postgresql-tls
    plain:
      - service: backend
        port: 9090
        reason: metrics, which only the namespace monitoring may read
    requests:
      - control: authentication
        service: backend
        port: 8000
        path: /v1/me
        status: [401]
        logged: '"status": 401'
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 6 proved (4 refusals, 2 controls)
controls:
  description: What each control came to, of V(passed), V(failed) and V(not_proven).
  returned: when it was tried
  type: dict
  sample: {"ports": "passed", "tls": "passed", "authentication": "not_proven"}
control:
  description: What was put to the test.
  returned: always
  type: str
  sample: services
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
from ansible_collections.rampart.k8s.plugins.module_utils._verify.handshake import PLAIN, POSTGRESQL
from ansible_collections.rampart.k8s.plugins.module_utils._verify.options import PROVABLE
from ansible_collections.rampart.k8s.plugins.module_utils._verify.services import ServiceVerify

PORT = {
    "namespace": {"type": "str"},
    "service": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
}
SPEAKS_TLS = PORT | {
    "protocol": {"type": "str", "choices": [PLAIN, POSTGRESQL], "default": PLAIN},
    "server_name": {"type": "str"},
    "ca_secret": {"type": "str", "no_log": False},
    "ca_key": {"type": "str", "default": "ca.crt", "no_log": False},
}
REQUEST = PORT | {
    "control": {"type": "str", "required": True},
    "method": {"type": "str", "default": "GET"},
    "path": {"type": "str", "required": True},
    "headers": {"type": "dict", "default": {}},
    "body": {"type": "str", "default": ""},
    "status": {"type": "list", "elements": "int", "default": [200]},
    "response_headers": {"type": "dict", "default": {}},
    "absent": {"type": "list", "elements": "str", "default": []},
    "logged": {"type": "str"},
}

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | PROVABLE
    | ArgumentSpec(
        {
            "namespaces": {"type": "list", "elements": "str", "required": True},
            "tls": {"type": "list", "elements": "dict", "default": [], "options": SPEAKS_TLS},
            "plain": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": PORT | {"reason": {"type": "str", "required": True}},
            },
            "open": {"type": "list", "elements": "str", "default": []},
            "requests": {"type": "list", "elements": "dict", "default": [], "options": REQUEST},
            "min_days": {"type": "int", "default": 7},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> ServiceVerify:
    """Turn the options into the operation."""
    return ServiceVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
