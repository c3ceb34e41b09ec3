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
  - Reads every raw value from a live etcd member or from a snapshot file, not from the Kubernetes API, and
    counts them by resource, provider and name of the key, as they stand in front of each value. Of a KMS
    plugin it tells the KMS's own key as well.
  - Reads as well what etcd remembers of older revisions. A value that was once stored in plain text
    stays in etcd until it is compacted, and in every backup made before.
  - RV(encrypted_completely) is true only when all values of the wanted resources and all their
    remembered revisions are encrypted, and there was at least one value to prove it.
  - No value is kept or returned. Memory is bounded by the size of a page, not by the number of values.
  - The module does not fail on its verdict; it only informs. With O(evidence_dir) the census is kept as
    signed evidence, passed only when everything is encrypted, and with O(config_path) under the key that
    new values get.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.read_only
  - rampart.k8s.etcd
  - rampart.k8s.evidence
attributes:
  platform:
    platforms: linux
    support: full
options:
  snapshot:
    description:
      - Instead of O(endpoint), a file that C(etcdctl snapshot save) wrote. One whose digest does not match is
        refused. Memory is bounded by the number of keys.
      - A backup holds what etcd remembered when it was made, so plain text and old keys live on in it.
    type: path
  cluster_root:
    description:
      - Instead of O(endpoint), the folder of a cluster on this machine. The API server that runs with a file
        below it says in its arguments where etcd is, how to log in, and what it encrypts.
    type: path
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

- name: Count what a backup holds, and keep the verdict as signed evidence
  rampart.k8s.encryption_census_info:
    snapshot: /backup/etcd-20261122.db
    config_path: /etc/kubernetes/encryption/config.yaml
    evidence_dir: /var/lib/rampart/evidence

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
      key: key-20261122-101530-9f3a1c0b
      key_id: ""
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
history_under_other_keys:
  description:
    - How many remembered values carry another key than the writing one. Needs O(config_path). They go in the
      same way, and nobody needs to read them, except who restores a backup.
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
evidence:
  description: The evidence record of the census; empty without O(evidence_dir) and in check mode.
  returned: success
  type: str
  sample: security_7y:17
"""

import base64
from functools import partial

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import MINIMUM_LENGTH, Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_operation import Census, Question
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_report import gate
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.of_api_server import question
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.options import (
    ETCD,
    api_server_of,
    endpoint_of,
)
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE

SOURCES = ("endpoint", "snapshot", "cluster_root")

SPEC = (
    ETCD
    | EVIDENCE
    | ArgumentSpec(
        {
            "snapshot": {"type": "path"},
            "cluster_root": {"type": "path"},
            "resources": {"type": "list", "elements": "str", "default": []},
            "config_path": {"type": "path"},
            "canary": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "etcd_data_dir": {"type": "path"},
            "timeout": {"type": "float", "default": 10},
        },
        mutually_exclusive=(SOURCES,),
        required_one_of=(SOURCES,),
    )
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
    endpoint = endpoint_of(options, timeout=options["timeout"]) if options["endpoint"] else None
    prefix, config_path = options["prefix"], options["config_path"]
    if options["cluster_root"]:
        asked = question(api_server_of(options["cluster_root"]))
        if asked is None:
            raise RampartError(
                f"The API server of {options['cluster_root']} has no encryption configuration.",
                next_step="start it with --encryption-provider-config (role rampart.k8s.encryption)",
            )
        endpoint, prefix, config_path = asked.endpoint, asked.prefix, config_path or asked.config_path
    resources = tuple(options["resources"])
    asked = Question(
        endpoint, prefix, resources, config_path, needles, options["etcd_data_dir"], options["snapshot"]
    )
    return Census(asked, redactor, partial(gate, options, check_mode=module.check_mode))


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
