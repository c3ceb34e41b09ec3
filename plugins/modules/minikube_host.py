#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube_host
short_description: Makes this machine ready for a cluster's own Docker daemon, and clears away what it leaves
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Turns the forwarding of packets on before the daemon starts. One that has to do that itself also makes
    the machine drop all forwarded packets, those of other clusters included.
  - Clears away what a daemon leaves when it has ended, or when it was killed with the machine, which is
    mounts, packet rules and folders. Packet rules go only when no other Docker daemon runs.
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
options:
  state:
    description:
      - V(present) makes the machine ready. V(absent) clears away; the daemon has to be stopped before.
      - The forwarding of packets stays on, since others may rely on it by then.
    type: str
    choices: [present, absent]
    default: present
  folders:
    description:
      - The folders to remove with everything in them. Only used with O(state=absent).
      - Packet rules are looked for when one of them is there.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Make the machine ready
  rampart.k8s.minikube_host:

- name: Clear away what the daemon left
  rampart.k8s.minikube_host:
    state: absent
    folders:
      - /var/lib/rampart/demo/docker
      - /run/rampart/demo/docker
"""

RETURN = r"""
reason:
  description: Why something changed, or that nothing had to.
  returned: always
  type: str
  sample: the kernel forwards packets
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import Operation, run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.traces import Forwarding, Removal

SPEC = ArgumentSpec(
    {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "folders": {"type": "list", "elements": "path", "default": []},
    }
)

# Fewer parts than this would be a folder of the system's, whatever was meant.
FEWEST_PARTS = 3


def build(module: AnsibleModule, redactor: Redactor) -> Operation:
    """Make the operation; nothing of its options is secret."""
    if module.params["state"] == "present":
        return Forwarding()
    folders = [Path(folder) for folder in module.params["folders"]]
    for folder in folders:
        if not folder.is_absolute() or ".." in folder.parts or len(folder.parts) < FEWEST_PARTS:
            raise RampartError(
                f"{folder} is not a folder of a cluster's own, and is not removed.",
                next_step="correct cluster_state_dir or cluster_name",
            )
    return Removal(folders)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
