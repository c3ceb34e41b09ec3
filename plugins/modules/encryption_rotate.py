#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotate the keys that the API server encrypts with, and prove from etcd that no value needs the old ones."""

from __future__ import annotations

DOCUMENTATION = r"""
module: encryption_rotate
short_description: Rotate the API server's encryption keys with proof from etcd
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Takes a rotation from wherever it stands to its end. A new key is added for reading, then made the one
    that writes, then every stored value is written anew, and the old key is dropped when etcd itself holds
    no value under it. Between two steps every API server has to work with the file.
  - Each step is decided from what is observed at that moment in the file, on every API server and in etcd,
    never from a journal. A run that was killed at any point is finished by the next one.
  - Nothing is rotated while no key is due. A key is due by its age, by how often it was used, by
    O(made_before), and when O(provider) is another one than that of the file, plain text included. Values
    under an older key and readers that are not needed any more are cleared away in any case.
  - An API server that differs, does not answer, or was not named stops the rotation, and so does one that
    cannot load the file. What it could not load is taken out again as long as nothing was written with it.
  - Values are rewritten by the cluster itself where it serves StorageVersionMigration, and otherwise by empty
    patches, several at a time, of exactly those objects whose bytes in etcd are under another key. No value
    ever leaves the API server, and no edit that comes at the same moment is lost.
  - A value that cannot be decrypted is named, all others are finished, no key is dropped, and the commands
    for a person are in the result.
  - A KMS plugin (version 2) rotates its keys itself. The module has values under its older keys written anew.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.progress
  - rampart.k8s.etcd
  - rampart.k8s.evidence
attributes:
  check_mode:
    support: full
    details:
      - Everything is looked at, the census included, and the steps that are left are returned.
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
  cluster_root:
    description:
      - The folder of a cluster on this machine. The API server that runs with a file below it says in its
        arguments where its configuration and etcd are and how to log in, and its supervisor can start it
        anew.
      - Instead of it, O(config_path) and O(endpoint) say so.
    type: path
  config_path:
    description: The API server's encryption configuration.
    type: path
  api_servers:
    description:
      - Every API server of the cluster. Without it, the one of the kubeconfig is the only one.
      - An API server that has a Lease in C(kube-system) and is not among them stops the rotation.
    type: list
    elements: dict
    default: []
    suboptions:
      server:
        description: The address of this one API server, not of a load balancer.
        type: str
        required: true
      publish:
        description:
          - Where the server reads a copy of O(config_path), the command that gets the file on standard input
            and puts it in place in one step.
        type: list
        elements: str
        default: []
      restart:
        description:
          - The command that starts the server anew, for one that does not load a changed file by itself.
        type: list
        elements: str
        default: []
  provider:
    description: The provider that writes in the end.
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
  resources:
    description:
      - What has to become encrypted although its entry writes plain text. Entries that write plain text and
        cover none of these are exemptions and stay as they are.
    type: list
    elements: str
    default: []
  allow_plaintext_read:
    description: Whether values in plain text stay readable in the end.
    type: bool
    default: false
  max_age_days:
    description:
      - A key that is older is due, and so is one that was not made here, since its name does not tell its
        age. V(0) lets keys grow as old as they like.
    type: int
    default: 90
  max_writes:
    description:
      - A key that has encrypted so many values is due. The API servers count that; where one of them was
        started after the key was made, every write to etcd since then is counted instead.
      - Without it, 200,000 for V(aesgcm) and no limit for others.
    type: int
  made_before:
    description:
      - Every key that was made before this moment is due, whatever its age, for example after an incident. A
        time in UTC such as V(2026-11-22T10:15:30Z).
    type: str
  rewrite:
    description:
      - Who rewrites the stored values. V(migration) is the cluster's own StorageVersionMigration, V(pool) the
        module itself, V(auto) the first where it is served. What a migration leaves the module does.
    type: str
    choices: [auto, migration, pool]
    default: auto
  reload:
    description:
      - With V(automatic), the API servers are waited for, which look at the file once a minute.
      - With V(restart), they are started anew, one after the other. It is what happens to the API server of
        O(cluster_root) when that was started without automatic reload.
    type: str
    choices: [automatic, restart]
    default: automatic
  reload_timeout:
    description: For how many seconds an API server is waited for.
    type: int
    default: 150
  backup_dir:
    description:
      - Where the configuration is kept with the keys that are about to be dropped, which older backups of
        etcd need. It may not lie below O(cluster_root), or the folder of O(config_path). The file holds
        keys.
    type: path
  compact_history:
    description:
      - Whether etcd is told in the end to forget older revisions, which may be in plain text or under old
        keys. The API server does the same every five minutes. Watches that lag behind begin anew.
    type: bool
    default: false
  lock_timeout:
    description: For how many seconds another rotation of the same cluster is waited for.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Rotate what is due on a cluster of this machine
  rampart.k8s.encryption_rotate:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    cluster_root: /var/lib/rampart/local
    backup_dir: /mnt/backup/rampart

- name: Replace every key that was made before an incident
  rampart.k8s.encryption_rotate:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    cluster_root: /var/lib/rampart/local
    made_before: "2026-11-22T10:15:30Z"

# install-encryption-config: umask 077; cat > $file.new && mv $file.new $file
- name: Move three control planes to a key management system
  rampart.k8s.encryption_rotate:
    config_path: /etc/rampart/prod/encryption.yaml
    endpoint: https://10.0.0.1:2379
    ca_cert: /etc/rampart/prod/etcd-ca.crt
    client_cert: /etc/rampart/prod/etcd-client.crt
    client_key: /etc/rampart/prod/etcd-client.key
    provider: kms
    kms:
      name: vault
      endpoint: unix:///var/run/kms.sock
    api_servers:
      - server: https://10.0.0.1:6443
        publish: [ssh, cp1, sudo install-encryption-config]
      - server: https://10.0.0.2:6443
        publish: [ssh, cp2, sudo install-encryption-config]
      - server: https://10.0.0.3:6443
        publish: [ssh, cp3, sudo install-encryption-config]
"""

RETURN = r"""
reason:
  description: Why a rotation was needed, or that none was.
  returned: always
  type: str
  sample: key-20260801-101530-9f3a1c0b is 113 days old
steps:
  description: What was done, each step with its reason; in check mode what is left to do.
  returned: success
  type: list
  elements: dict
  sample:
    - step: add
      reason: key-20260801-101530-9f3a1c0b is 113 days old
entries:
  description: The entries of the configuration in order, with the names of their keys.
  returned: success
  type: list
  elements: dict
  sample:
    - resources: [secrets, configmaps]
      providers: ["secretbox(key-20261122-101530-0b1c2d3e)"]
encryption_keys:
  description:
    - Each key with C(provider), C(name), C(made), C(age_days) (-1 where nobody knows), C(values) that carry
      it, C(writing), and C(writes), which are an upper bound unless C(writes_exact).
  returned: success
  type: list
  elements: dict
  sample: []
api_servers:
  description: Each API server with the hash of the file that it works with.
  returned: success
  type: list
  elements: dict
  sample: []
rewritten:
  description: How many values were written anew by the module itself.
  returned: success
  type: int
  sample: 412
migrations:
  description: By resource, how a migration by the cluster itself ended; an empty text means well.
  returned: success
  type: dict
  sample: {}
backup:
  description: The file that holds the keys that were dropped.
  returned: success
  type: str
  sample: /mnt/backup/rampart/encryption-2b6f0cc9-key-20261122-101530-0b1c2d3e.yaml
census:
  description: The last census, as M(rampart.k8s.encryption_census_info) returns it.
  returned: success
  type: dict
  sample: {}
evidence:
  description: The evidence record of the census; empty without O(evidence_dir) and in check mode.
  returned: success
  type: str
  sample: security_7y:17
failed_values:
  description: The etcd key of each value that could not be rewritten, and why.
  returned: when values could not be rewritten
  type: dict
"""

from functools import partial

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_report import gate
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.options import ETCD
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotate_operation import (
    EncryptionRotation,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotate_options import ROTATION, order_of
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION

SPEC = CONNECTION | ETCD | EVIDENCE | PROGRESS | ROTATION


def build(module: AnsibleModule, redactor: Redactor) -> EncryptionRotation:
    """Turn the options into the operation."""
    options = module.params
    recorded = partial(gate, options, check_mode=module.check_mode)
    progress = Progress(options["_progress_file"])
    return EncryptionRotation(order_of(options, redactor), redactor, progress, recorded)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
