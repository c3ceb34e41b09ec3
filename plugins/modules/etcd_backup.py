#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_backup
short_description: Take a snapshot of etcd, and keep the newest ones
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Saves a consistent snapshot of a living etcd with its own tool, and a manifest beside it that says of
    which cluster it is, when it was taken, what it holds and which encryption keys are needed to read it.
  - Just before, it writes a Secret with a random value through the API (C(rampart-backup-canary) in
    C(kube-system)), and removes it just after. M(rampart.k8s.backup_verify) finds it again. That its key is
    in the snapshot shows that this is the cluster's own etcd.
  - Both files get the mode C(0600). They appear whole or not at all, and until then no old backup is removed.
  - No key is kept beside the snapshot. What else has to be kept, elsewhere, is told in the guide on backups.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.etcd
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the names of the newest backup and of those that are removed.
  idempotent:
    support: partial
    details:
      - With O(every_hours), a second run finds the backup of the first young enough.
  platform:
    platforms: posix
    support: full
options:
  directory:
    description:
      - The folder of the backups of one cluster. It is made with the mode C(0700).
      - What it holds of another cluster is an error.
    type: path
    required: true
  keep:
    description: How many backups are kept; the newest ones are.
    type: int
    default: 7
  every_hours:
    description: A backup that is younger is enough. With V(0) one is taken at every run.
    type: int
    default: 0
  cluster_root:
    description: The folder of the cluster, which is lost with it; a backup below it is refused.
    type: path
  etcdctl:
    description: The program.
    type: path
    default: etcdctl
  timeout:
    description: Seconds that the snapshot may take.
    type: int
    default: 300
seealso:
  - module: rampart.k8s.backup_verify
"""

EXAMPLES = r"""
- name: Take a backup of etcd
  rampart.k8s.etcd_backup:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    endpoint: https://127.0.0.1:2379
    ca_cert: /var/lib/rampart/local/pki/etcd-ca.crt
    client_cert: /var/lib/rampart/local/pki/etcd-client.crt
    client_key: /var/lib/rampart/local/pki/etcd-client.key
    directory: /srv/backups/local
    cluster_root: /var/lib/rampart/local
"""

RETURN = r"""
reason:
  description: What was taken, or why nothing was.
  returned: always
  type: str
  sample: etcd-20261129T030000Z.db holds 412 keys of revision 2048
backup:
  description: The manifest of the newest backup; empty while there is none, and in check mode.
  returned: success
  type: dict
  sample:
    snapshot: etcd-20261129T030000Z.db
    sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    size: 2048000
    taken: "2026-11-29T03:00:00Z"
    cluster: cdb20e53-53a6-49ca-b35a-3fbc960957b4
    revision: 2048
    keys: 412
    encryption_keys: [secretbox(key-20261122-101530-9f3a1c0b)]
removed:
  description: The snapshots that were more than are kept.
  returned: success
  type: list
  elements: str
  sample: [etcd-20261122T030000Z.db]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._backup.take_operation import SPEC, EtcdBackup
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor


def build(module: AnsibleModule, redactor: Redactor) -> EtcdBackup:
    """Turn the options into the operation."""
    return EtcdBackup(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
