#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_trust
short_description: Have all pods trust a bundle of certificates before the next authority signs
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Waits until the ConfigMap C(kube-root-ca.crt) of every namespace holds the bundle, and with O(volumes_dir)
    until the kubelet has put it into every pod of this machine.
  - Then rolls out anew, by an annotation on the template of their pods, the Deployments, StatefulSets and
    DaemonSets that have it mounted and were started with another one, and waits until they are ready. Many
    programs read such a file only once.
  - It is the step between V(trust) and V(switch) of M(rampart.k8s.cluster_pki). A program that does not trust
    the next authority by then would be cut off.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    support: full
    details:
      - Nothing is waited for.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: linux
    support: full
options:
  ca_file:
    description: The file with all certificates that have to be trusted.
    type: path
    required: true
  volumes_dir:
    description:
      - The folder in which the kubelet of this machine keeps its pods, for example V(/var/lib/kubelet/pods).
    type: path
  restart:
    description: Whether workloads are rolled out anew.
    type: bool
    default: true
  timeout:
    description: For how many seconds the bundle is waited for, and then the workloads.
    type: int
    default: 180
"""

EXAMPLES = r"""
- name: Have everybody trust the old and the next authority
  rampart.k8s.cluster_trust:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    ca_file: /var/lib/rampart/local/pki/ca.crt
    volumes_dir: /var/lib/rampart/local/data/kubelet/pods
"""

RETURN = r"""
reason:
  description: Which workloads were started before they could trust the bundle.
  returned: always
  type: str
  sample: everybody can trust it
restarted:
  description: The workloads that were rolled out anew, each with C(kind), C(namespace) and C(name).
  returned: success
  type: list
  elements: dict
  sample: []
not_restarted:
  description:
    - Pods with the bundle that no controller starts anew, as C(namespace/name). They go on with what they
      have read, so those that read the file once have to be started anew by hand.
  returned: success
  type: list
  elements: str
  sample: []
namespaces:
  description: How many namespaces have the bundle.
  returned: success
  type: int
  sample: 9
readers:
  description: How many pods have it mounted.
  returned: success
  type: int
  sample: 4
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._pki.trust import ClusterTrust

SPEC = (
    CONNECTION
    | PROGRESS
    | ArgumentSpec(
        {
            "ca_file": {"type": "path", "required": True},
            "volumes_dir": {"type": "path"},
            "restart": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 180},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> ClusterTrust:
    """Turn the options into the operation."""
    options = module.params
    try:
        bundle = Path(options["ca_file"]).read_bytes()
    except OSError as error:
        raise RampartError(
            f"Could not read the certificates in {options['ca_file']}: {error.strerror}.",
            next_step="correct the path, or make the file (rampart.k8s.cluster_pki)",
        ) from error
    return ClusterTrust(
        Client(Connection.of(options), redactor),
        bundle,
        Path(options["volumes_dir"]) if options["volumes_dir"] else None,
        Progress(options["_progress_file"]),
        restart=options["restart"],
        check_mode=module.check_mode,
        timeout=options["timeout"],
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
