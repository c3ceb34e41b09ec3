#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: signing_keys
short_description: Keeps the keys that sign images, and replaces them with an overlap
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Keeps a ring of signing keys, one of which is active. A key is V(active), then V(accepted), then
    V(retired).
  - Replaces the active key before it expires, when O(replace) names it, or when O(reference) names another
    one.
    The key before it stays accepted, so that nothing that was signed by it is refused meanwhile.
  - With O(retire), accepts old keys no more, once every image of O(inventory) has everything from the active
    key
    that it had from the old. While one has not, nothing is retired and the module fails.
  - A run that was killed is finished by the next one, since everything is decided from the ring and from
    what is
    attached to the images.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.signing
  - rampart.k8s.signing.passphrases
options:
  directory:
    description:
      - The folder of the ring and of private keys in files. C(keyring.json) in it holds public keys only and
        is
        what M(rampart.k8s.image_verify) needs. Whoever can write it decides whom the cluster trusts.
    type: path
    required: true
  reference:
    description:
      - The private key, where it is not a file that the module makes. Either a C(pkcs11:) URI without a PIN,
        or the
        URI of a key in a KMS (C(awskms://), C(azurekms://), C(gcpkms://), C(hashivault://)).
      - Another reference than that of the active key makes it the active one, and the one before accepted.
    type: str
  lifetime_days:
    description: How long a new key is accepted.
    type: int
    default: 365
  renew_before_days:
    description: How long before its end a key in a file is replaced.
    type: int
    default: 30
  replace:
    description:
      - The identity of a key to be replaced now. Once it is replaced, nothing more happens.
    type: str
  revoke:
    description:
      - The identities of keys that are accepted no more at once, whatever they have signed. For keys in
        foreign
        hands. A revoked active key is replaced.
    type: list
    elements: str
    default: []
  retire:
    description: Whether old keys are retired that no image of O(inventory) needs.
    type: bool
    default: false
  inventory:
    description: All images that are deployed or can be. O(retire) needs them.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    details: Asks registries, tokens and layouts, and makes no key.
  diff_mode:
    support: full
    details: Shows the identities of the keys and their states.
  idempotent:
    support: full
  platform:
    platforms: linux
    support: full
"""

EXAMPLES = r"""
- name: Have a signing key
  rampart.k8s.signing_keys:
    directory: /var/lib/rampart/local/signing
    passphrase: "{{ signing_passphrase }}"

- name: Sign with a key in a token
  rampart.k8s.signing_keys:
    directory: /var/lib/rampart/local/signing
    reference: pkcs11:token=release;object=signer?module-path=/usr/lib/softhsm/libsofthsm2.so
    pin: "{{ signing_pin }}"

- name: Retire what no image needs any more
  rampart.k8s.signing_keys:
    directory: /var/lib/rampart/local/signing
    passphrase: "{{ signing_passphrase }}"
    retire: true
    inventory:
      - oci:/var/lib/rampart/images/backend
"""

RETURN = r"""
reason:
  description: What was changed and why.
  returned: always
  type: str
  sample: there is no active key
ring:
  description: All keys of the ring, oldest first, without anything secret.
  returned: success
  type: list
  elements: dict
  sample:
    - id: sha256:360eb277599410791c943ccb690a2a467a41fe205002f159722d8bd3ef73e353
      state: active
      source: file:signing-360eb27759941079.key
      created: "2026-11-22T09:00:00Z"
      expires: "2027-11-22T09:00:00Z"
      retired: ""
active:
  description: The identity of the active key, which is the digest of its public part. In check mode it is
    that before.
  returned: success
  type: str
  sample: sha256:360eb277599410791c943ccb690a2a467a41fe205002f159722d8bd3ef73e353
keyring:
  description: The file of the ring.
  returned: success
  type: str
  sample: /var/lib/rampart/local/signing/keyring.json
not_under_active:
  description: What the active key has not signed yet, in sentences.
  returned: when O(retire) is refused for it
  type: list
  elements: str
  sample: [oci:/var/lib/rampart/images/backend is not signed by the active key]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keys_operation import SigningKeys
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import SECRETS, TOOLS, Workshop

SPEC = (
    ArgumentSpec(
        {
            "directory": {"type": "path", "required": True},
            "reference": {"type": "str"},
            "lifetime_days": {"type": "int", "default": 365},
            "renew_before_days": {"type": "int", "default": 30},
            "replace": {"type": "str"},
            "revoke": {"type": "list", "elements": "str", "default": []},
            "retire": {"type": "bool", "default": False},
            "inventory": {"type": "list", "elements": "str", "default": []},
        }
    )
    | TOOLS
    | SECRETS
)


def build(module: AnsibleModule, redactor: Redactor) -> SigningKeys:
    """Turn the options into the operation."""
    return SigningKeys(module.params, Workshop(module.params, redactor))


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
