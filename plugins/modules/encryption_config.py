#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the API server's encryption configuration and never lose a key that is in use."""

from __future__ import annotations

DOCUMENTATION = r"""
module: encryption_config
short_description: Write the API server's encryption configuration and never lose a key in use
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Makes the file for the C(--encryption-provider-config) option of the Kubernetes API server.
    A missing file is created with a key of 32 bytes from the system's random source under a name
    that is never used twice.
  - A key that stands in the file stays as it is and where it is, whatever the options say. Another
    provider, another writing key or the end of plain-text reading are a rotation and are refused.
  - Resources that are added get an entry of their own with the key in use and a last provider
    C(identity), because objects of theirs may be stored in plain text. They stay readable, and are
    encrypted when they are next written. The entries before it do not change.
  - What is there is validated by the rules of the API server (1.36) before it is trusted, and what
    is about to be written is validated before it is written. A file that breaks a rule is left
    untouched and the answer names line and field. Beyond the API server, keys of one name and
    colons in names of keys are refused, because the API server finds a value's key by its name.
  - The file is replaced in one step with the mode C(0600). No key material appears in the result,
    in the difference or in a message.
extends_documentation_fragment:
  - rampart.k8s.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is written and no key is made.
  diff_mode:
    support: full
    details:
      - Shows the order of the providers and the names of their keys.
  idempotent:
    support: full
  platform:
    platforms: linux
    support: full
options:
  path:
    description:
      - The file. Its folder is made with the mode C(0700) when it is missing. A link is refused.
    type: path
    required: true
  resources:
    description:
      - What has to be stored encrypted, as the API server writes it, for example V(secrets),
        V(deployments.apps), V(*.apps), V(*.) for the core group or V(*.*) for everything.
      - Resources that the file covers beyond these stay covered.
    type: list
    elements: str
    default: [secrets, configmaps]
  provider:
    description:
      - The provider that writes. V(secretbox) and V(kms) carry no known weakness. With V(aesgcm) a
        key has to be rotated after 200,000 writes at the latest. V(aescbc) is open to
        padding-oracle attacks and is here for those who are bound to it.
    type: str
    choices: [secretbox, aesgcm, aescbc, kms]
    default: secretbox
  kms:
    description: The KMS plugin (version 2 of the interface). Only with O(provider=kms).
    type: dict
    suboptions:
      name:
        description: The name of the plugin, without a colon. It stands in front of every stored value.
        type: str
        required: true
      endpoint:
        description: The address of the plugin's socket, for example V(unix:///var/run/kms.sock).
        type: str
        required: true
      timeout:
        description: How long the API server waits for the plugin, for example V(3s).
        type: str
        default: 3s
  allow_plaintext_read:
    description:
      - Lets the API server read values that were stored before encryption, by a last provider
        C(identity). A cluster that already holds objects needs it; a new one does not.
      - V(false) does not take C(identity) out of an existing file. That is a step of a rotation,
        which proves first that no plain text is left.
    type: bool
    default: false
  etcd_data_dir:
    description:
      - The data folder of the etcd member on this machine. When the file is missing but etcd holds
        values under some key, no new key is made, since it would hide the loss of the old one.
      - Without it this protection is off.
    type: path
"""

EXAMPLES = r"""
- name: Encrypt secrets and config maps from the first start
  rampart.k8s.encryption_config:
    path: /etc/kubernetes/encryption/config.yaml
    etcd_data_dir: /var/lib/etcd

- name: Encrypt a running cluster that holds plain text
  rampart.k8s.encryption_config:
    path: /etc/kubernetes/encryption/config.yaml
    resources: [secrets, configmaps, "*.example.com"]
    provider: aesgcm
    allow_plaintext_read: true

- name: Leave the keys with a key management system
  rampart.k8s.encryption_config:
    path: /etc/kubernetes/encryption/config.yaml
    provider: kms
    kms:
      name: vault
      endpoint: unix:///var/run/kms.sock
"""

RETURN = r"""
reason:
  description: Why the file was changed, or why not.
  returned: always
  type: str
  sample: no configuration exists; secrets, configmaps get one
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/kubernetes/encryption/config.yaml
created:
  description: Whether the file did not exist before.
  returned: success
  type: bool
  sample: true
entries:
  description: The entries in order, each with its resources and its providers with the names of their keys.
  returned: success
  type: list
  elements: dict
  sample:
    - resources: [secrets, configmaps]
      providers: ["secretbox(key-20261122-9f3a1c0b)"]
plaintext_readable:
  description: Resources whose values may still be stored in plain text.
  returned: success
  type: list
  elements: str
  sample: []
problems:
  description: Every broken rule with C(path), C(line) and C(reason).
  returned: when the file or the options are not valid
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.decide import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.operation import EncryptionConfig

SPEC = ArgumentSpec(
    {
        "path": {"type": "path", "required": True},
        "resources": {"type": "list", "elements": "str", "default": ["secrets", "configmaps"]},
        "provider": {
            "type": "str",
            "choices": ["secretbox", "aesgcm", "aescbc", "kms"],
            "default": "secretbox",
        },
        "kms": {
            "type": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "endpoint": {"type": "str", "required": True},
                "timeout": {"type": "str", "default": "3s"},
            },
        },
        "allow_plaintext_read": {"type": "bool", "default": False},
        "etcd_data_dir": {"type": "path"},
    },
    required_if=(("provider", "kms", ("kms",)),),
)


def build(module: AnsibleModule, redactor: Redactor) -> EncryptionConfig:
    """Turn the options into the operation."""
    options = module.params
    wanted = Wanted(
        tuple(options["resources"]),
        options["provider"],
        dict(options["kms"] or {}),
        options["allow_plaintext_read"],
    )
    return EncryptionConfig(options["path"], wanted, options["etcd_data_dir"], redactor)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
