#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_verify
short_description: Prove that the newest backup of etcd can be restored and read
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Restores the newest backup that M(rampart.k8s.etcd_backup) took, for real, into a folder of its own beside
    the backups, and starts an etcd and an API server on it, with the encryption configuration of the living
    cluster. All of it is gone at the end, and the living cluster is only read.
  - The backup must be young enough, of this cluster, and as it was written. A copy with one changed byte must
    be refused for its sum.
  - The restored etcd must hold the revision and the number of keys of the manifest.
  - Every Secret in the file must be encrypted, under keys that the living configuration has, and an API
    server must decrypt every one. A Secret that was removed right after the backup must read as it was
    written.
  - Values of Secrets pass through the memory of this module and are neither kept nor returned.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.gate
  - rampart.k8s.evidence
attributes:
  check_mode:
    support: full
  platform:
    platforms: linux
    support: full
options:
  directory:
    description: The folder of the backups. It needs room for the newest one a third and a fourth time.
    type: path
    required: true
  config_path:
    description: The encryption configuration of the API server, with the keys that a restored etcd needs.
    type: path
    required: true
  max_age_hours:
    description: An older backup is a violation.
    type: int
    default: 24
  etcd:
    description: The program, of the version that the cluster runs; so are the others.
    type: path
    default: etcd
  etcdctl:
    description: The program.
    type: path
    default: etcdctl
  etcdutl:
    description: The program.
    type: path
    default: etcdutl
  api_server:
    description: The program.
    type: path
    default: kube-apiserver
  timeout:
    description: Seconds that each of them may take to be ready, or to end.
    type: int
    default: 120
seealso:
  - module: rampart.k8s.etcd_backup
  - module: rampart.k8s.checklist_verify
"""

EXAMPLES = r"""
- name: Prove that the newest backup can be restored
  rampart.k8s.backup_verify:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    directory: /srv/backups/local
    config_path: /var/lib/rampart/local/encryption/config.yaml
    evidence_dir: /var/lib/rampart/evidence
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 9 proved (2 refusals, 7 controls)
control:
  description: What was put to the test.
  returned: always
  type: str
  sample: backup and recovery
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
snapshot:
  description: The backup that was put to the test.
  returned: when there is one
  type: str
  sample: etcd-20261129T030000Z.db
sha256:
  description: Its sum, by its manifest. It stands in the signed evidence too.
  returned: when there is one
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
taken:
  description: When it was taken, by its manifest.
  returned: when there is one
  type: str
  sample: "2026-11-29T03:00:00Z"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._backup.verify_operation import SPEC, BackupVerify
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor


def build(module: AnsibleModule, redactor: Redactor) -> BackupVerify:
    """Turn the options into the operation."""
    return BackupVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
