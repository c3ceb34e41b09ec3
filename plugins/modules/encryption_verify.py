#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: encryption_verify
short_description: Prove that a Secret cannot be read in etcd
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Writes a Secret with a random value through the API, reads its bytes from etcd itself, and removes it.
  - The bytes must begin with the mark of an encryption provider and must not hold the value, neither plain
    nor as base64. That its key is found shows that this is the cluster's own etcd.
  - Without O(endpoint) nothing can be proved, as on a cluster whose control plane somebody else runs.
  - For everything else that is stored, see M(rampart.k8s.encryption_census_info).
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.gate
  - rampart.k8s.gate.provable
  - rampart.k8s.etcd
  - rampart.k8s.evidence
attributes:
  check_mode:
    support: full
  platform:
    platforms: posix
    support: full
"""

EXAMPLES = r"""
- name: Prove that a Secret cannot be read in etcd
  rampart.k8s.encryption_verify:
    endpoint: https://127.0.0.1:2379
    ca_cert: /etc/kubernetes/pki/etcd/ca.crt
    client_cert: /etc/kubernetes/pki/apiserver-etcd-client.crt
    client_key: /etc/kubernetes/pki/apiserver-etcd-client.key
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 3 proved (2 refusals, 1 controls)
control:
  description: What was put to the test.
  returned: always
  type: str
  sample: encryption at rest
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
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.options import ETCD
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION
from ansible_collections.rampart.k8s.plugins.module_utils._verify.at_rest import EncryptionVerify
from ansible_collections.rampart.k8s.plugins.module_utils._verify.options import PROVABLE

SPEC = CONNECTION | REPORT | EVIDENCE | PROVABLE | ETCD


def build(module: AnsibleModule, redactor: Redactor) -> EncryptionVerify:
    """Turn the options into the operation."""
    return EncryptionVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
