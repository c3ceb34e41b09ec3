#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: legacy_tokens
short_description: Have service-account tokens in Secrets signed with the present key
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Tokens in Secrets of the type C(kubernetes.io/service-account-token) never end. Those that another key
    than the present one has signed are taken out of their Secrets, and kube-controller-manager puts new ones
    in, which is waited for.
  - It is the step between V(switch) and V(drop) of a signing key with M(rampart.k8s.cluster_pki). A token
    that was left would be worth nothing from then on.
  - Whoever has copied such a token elsewhere has to fetch the new one before the old key is dropped.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows names of Secrets and of the key, never a token.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
options:
  public_key:
    description: The file with the public key that signs, as the first of all that it holds.
    type: path
    required: true
  timeout:
    description: For how many seconds new tokens are waited for.
    type: int
    default: 60
requirements:
  - cryptography >= 42
"""

EXAMPLES = r"""
- name: Have tokens in Secrets signed with the next key
  rampart.k8s.legacy_tokens:
    kubeconfig: /var/lib/rampart/local/super-admin.kubeconfig
    public_key: /var/lib/rampart/local/pki/service-account.pub
"""

RETURN = r"""
reason:
  description: Which tokens were signed with another key.
  returned: always
  type: str
  sample: no token is signed with another key
renewed:
  description: The Secrets with a new token, as C(namespace/name).
  returned: success
  type: list
  elements: str
  sample: [dev/old-deployer]
tokens:
  description: How many such Secrets there are.
  returned: success
  type: int
  sample: 1
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._pki.legacy_tokens import LegacyTokens

SPEC = CONNECTION | ArgumentSpec(
    {
        # A public key is nothing to hide.
        "public_key": {"type": "path", "required": True, "no_log": False},
        "timeout": {"type": "int", "default": 60},
    }
)


def build(module: AnsibleModule, redactor: Redactor) -> LegacyTokens:
    """Turn the options into the operation."""
    options = module.params
    try:
        public = Path(options["public_key"]).read_bytes()
    except OSError as error:
        raise RampartError(
            f"Could not read the public key {options['public_key']}: {error.strerror}.",
            next_step="correct the path, or make the key (rampart.k8s.cluster_pki)",
        ) from error
    client = Client(Connection.of(options), redactor)
    return LegacyTokens(client, public, redactor, timeout=options["timeout"])


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
