# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the loader asks of a node's container runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import Holding, Need, View
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import Machine
from ansible_collections.rampart.k8s.plugins.module_utils._load.stream import Sent

# As the kernel and as Go name them.
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}


class Runtime(Protocol):
    """The container runtime of one node."""

    @property
    def name(self) -> str:
        """Name the node for a person."""

    def view(self, image: NodeImage) -> View:
        """Say what an image is there: its names, what they mean, and what it consists of."""

    def holding(self) -> Holding:
        """Say what is there; raises RampartError when the node does not answer."""

    def free(self) -> int:
        """Say how many bytes its storage has left."""

    def receive(self, all_needs: Sequence[Need], sent: Sent) -> None:
        """Take what is lacking in one stream; raises RampartError when the runtime refuses it."""


def free_below(machine: Machine, folder: str) -> int:
    """Say how many bytes the file system of a folder has left."""
    blocks, size = machine.run("stat", "-f", "-c", "%a %S", folder).stdout.split()
    return int(blocks) * int(size)


def platform_of(machine: str) -> str:
    """Name a node's platform by what its kernel says of the machine."""
    return f"linux/{ARCHITECTURES.get(machine, machine)}"
