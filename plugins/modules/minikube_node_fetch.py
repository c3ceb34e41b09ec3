#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube_node_fetch
short_description: Keeps files of a minikube node on this machine as well
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Copies text files out of the node, such as the certificate and the key that etcd is asked with, and keeps
    them up to date. They are readable by their owner only, and their contents stand in no result.
extends_documentation_fragment:
  - rampart.k8s.minikube_node
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: Of a node that does not run, only files that are not kept yet count as a change.
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
    details: Shows names, never contents.
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
options:
  files:
    description: The absolute paths in the node, by the absolute paths on this machine.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Keep what etcd is asked with
  rampart.k8s.minikube_node_fetch:
    profile: demo
    docker_host: unix:///var/run/docker.sock
    home: /var/lib/rampart/demo/minikube/.minikube
    files:
      /var/lib/rampart/demo/pki/etcd-ca.crt: /var/lib/minikube/certs/etcd/ca.crt
"""

RETURN = r"""
reason:
  description: Why something was fetched, or that nothing had to be.
  returned: always
  type: str
  sample: all are as in the node
fetched:
  description: The paths on this machine that were written, or would be.
  returned: success
  type: list
  elements: str
  sample: [/var/lib/rampart/demo/pki/etcd-ca.crt]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import parse_path
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.fetch_operation import FetchOperation
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.options import NODE, node_of

SPEC = NODE | ArgumentSpec(
    {
        "files": {"type": "dict", "required": True},
    }
)


def build(module: AnsibleModule, redactor: Redactor) -> FetchOperation:
    """Turn the options into the operation; nothing of them is secret."""
    params = module.params
    return FetchOperation(
        node=node_of(params),
        files={parse_path(path): str(source) for path, source in params["files"].items()},
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
