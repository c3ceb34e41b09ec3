#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count from etcd itself what is stored encrypted, under which key, and what is not."""

from __future__ import annotations

DOCUMENTATION = r"""
module: encryption_census_info
short_description: Count from etcd itself what is stored encrypted, under which key, and what is not
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Reads every raw value from a live etcd member, not from the Kubernetes API, and counts them by
    resource, provider and name of the key, as they stand in front of each value.
  - Reads as well what etcd remembers of older revisions. A value that was once stored in plain text
    stays in etcd until it is compacted, and in every backup made before.
  - RV(encrypted_completely) is true only when all values of the wanted resources and all their
    remembered revisions are encrypted, and there was at least one value to prove it.
  - No value is kept or returned. Memory is bounded by the size of a page, not by the number of values.
  - The module does not fail on its verdict; it only informs.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.read_only
attributes:
  platform:
    platforms: linux
    support: full
options:
  endpoint:
    description:
      - The client address of an etcd member, with its JSON gateway on, which is etcd's default.
      - Only an address of this machine may be V(http).
    type: str
  cluster_root:
    description:
      - Instead of O(endpoint), the folder of a cluster on this machine. The API server that runs with a file
        below it says in its arguments where etcd is, how to log in, and what it encrypts.
    type: path
  ca_cert:
    description: The certificate authority of etcd.
    type: path
  client_cert:
    description: The client certificate to log in to etcd with.
    type: path
  client_key:
    description: The private key of O(client_cert).
    type: path
  prefix:
    description: What the API server puts in front of its keys (C(--etcd-prefix)).
    type: str
    default: /registry
  resources:
    description:
      - What has to be encrypted, as the API server writes it, wildcards included.
      - Without it, everything that O(config_path) encrypts.
    type: list
    elements: str
    default: []
  config_path:
    description:
      - The API server's encryption configuration. With it, values under a key that is not the
        writing one are counted in RV(under_other_keys).
    type: path
  canary:
    description:
      - Texts of at least 8 characters that are known to be in secrets. None of them may be found in
        the raw bytes, in plain or in base64.
    type: list
    elements: str
    default: []
  etcd_data_dir:
    description:
      - The data folder of the etcd member on this machine, to search its files for O(canary) too.
        Files keep a text longer than etcd does.
    type: path
  timeout:
    description: Seconds to wait for an answer of etcd.
    type: float
    default: 10
"""

EXAMPLES = r"""
- name: Count what is encrypted
  rampart.k8s.encryption_census_info:
    endpoint: https://127.0.0.1:2379
    ca_cert: /etc/kubernetes/pki/etcd/ca.crt
    client_cert: /etc/kubernetes/pki/apiserver-etcd-client.crt
    client_key: /etc/kubernetes/pki/apiserver-etcd-client.key
    config_path: /etc/kubernetes/encryption/config.yaml
  register: census

- name: Count what a cluster of this machine has encrypted, as its own API server sees etcd
  rampart.k8s.encryption_census_info:
    cluster_root: /var/lib/rampart/local
  register: census

- name: Stop unless everything is encrypted
  ansible.builtin.assert:
    that: census.encrypted_completely
    fail_msg: "{{ census.reason }}"
"""

RETURN = r"""
reason:
  description: The verdict as a sentence, naming the first objects that break it.
  returned: success
  type: str
  sample: all 412 values are encrypted, and so is every older revision
verdict:
  description:
    - V(encrypted), V(plaintext), V(plaintext_history) when only older revisions are in plain text,
      V(nothing_stored) when nothing could be proved, or V(canary_found).
  returned: success
  type: str
  sample: encrypted
encrypted_completely:
  description: Whether the verdict is V(encrypted).
  returned: success
  type: bool
  sample: true
encrypted_percent:
  description: The share of encrypted live values, cut off after two digits.
  returned: success
  type: float
  sample: 100.0
wanted:
  description: The resources that were judged.
  returned: success
  type: list
  elements: str
  sample: [secrets, configmaps]
nothing_stored_of:
  description: Wanted resources without a single value, for which nothing is proved.
  returned: success
  type: list
  elements: str
  sample: []
live_values:
  description: How many live values of wanted resources there are.
  returned: success
  type: int
  sample: 412
encrypted:
  description: How many of them are encrypted.
  returned: success
  type: int
  sample: 412
unencrypted:
  description: How many of them are not.
  returned: success
  type: int
  sample: 0
unencrypted_objects:
  description: The etcd keys of some of the unencrypted values.
  returned: success
  type: list
  elements: str
  sample: []
under_other_keys:
  description: How many wanted values carry another key than the writing one. Needs O(config_path).
  returned: success
  type: int
  sample: 0
counts:
  description: All values, by resource, provider, version and key.
  returned: success
  type: list
  elements: dict
  sample:
    - resource: secrets
      wanted: true
      provider: secretbox
      version: v1
      key: key-20261122-9f3a1c0b
      count: 400
      current: true
revision:
  description: The etcd revision that was counted.
  returned: success
  type: int
  sample: 2048
compacted_revision:
  description: The revision up to which etcd has forgotten older values.
  returned: success
  type: int
  sample: 1024
history_values:
  description: How many remembered values of wanted resources there are, the live ones included.
  returned: success
  type: int
  sample: 450
history_unencrypted:
  description: How many of them are in plain text. They go when etcd is next compacted twice.
  returned: success
  type: int
  sample: 0
canary_objects:
  description: The etcd keys under which O(canary) was found.
  returned: success
  type: list
  elements: str
  sample: []
canary_files:
  description: The files of etcd in which O(canary) was found.
  returned: success
  type: list
  elements: str
  sample: []
"""

import base64

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import components, running
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import MINIMUM_LENGTH, Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_operation import Census, Question
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Endpoint
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.of_api_server import question

SPEC = ArgumentSpec(
    {
        "endpoint": {"type": "str"},
        "cluster_root": {"type": "path"},
        "ca_cert": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path", "no_log": False},
        "prefix": {"type": "str", "default": "/registry"},
        "resources": {"type": "list", "elements": "str", "default": []},
        "config_path": {"type": "path"},
        "canary": {"type": "list", "elements": "str", "default": [], "no_log": True},
        "etcd_data_dir": {"type": "path"},
        "timeout": {"type": "float", "default": 10},
    },
    mutually_exclusive=(("endpoint", "cluster_root"),),
    required_one_of=(("endpoint", "cluster_root"),),
    required_together=(("client_cert", "client_key"),),
)


def _needles(canaries: list[str], redactor: Redactor) -> tuple[bytes, ...]:
    """Return what is looked for; a canary may stand in a JSON object and then is base64."""
    if any(len(canary) < MINIMUM_LENGTH for canary in canaries):
        raise RampartError(
            f"A canary is shorter than {MINIMUM_LENGTH} characters and would be found by chance.",
            next_step="give a longer one",
        )
    redactor.add(*canaries)
    plain = [canary.encode() for canary in canaries]
    return (*plain, *(base64.b64encode(canary).rstrip(b"=")[:-1] for canary in plain))


def build(module: AnsibleModule, redactor: Redactor) -> Census:
    """Turn the options into the operation."""
    options = module.params
    needles = _needles(options["canary"], redactor)
    asked = None
    if options["cluster_root"]:
        api_server = components(options["cluster_root"], running()).get("apiserver")
        if api_server is None:
            raise RampartError(
                f"No API server runs with a file below {options['cluster_root']}.",
                next_step="start the cluster, or give the endpoint of its etcd",
            )
        asked = question(api_server)
        if asked is None:
            raise RampartError(
                f"The API server of {options['cluster_root']} has no encryption configuration.",
                next_step="start it with --encryption-provider-config (role rampart.k8s.encryption)",
            )
    endpoint = Endpoint(
        options["endpoint"] or "",
        options["ca_cert"],
        options["client_cert"],
        options["client_key"],
        options["timeout"],
    )
    return Census(
        Question(
            asked.endpoint if asked else endpoint,
            asked.prefix if asked else options["prefix"],
            tuple(options["resources"]),
            options["config_path"] or (asked.config_path if asked else None),
            needles,
            options["etcd_data_dir"],
        )
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
