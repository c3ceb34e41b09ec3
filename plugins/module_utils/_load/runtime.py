# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the loader asks of a node's container runtime."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Protocol

from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import Holding, Need
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

    def holding(self) -> Holding:
        """Say what is there; raises RampartError when the node does not answer."""

    def free(self) -> int:
        """Say how many bytes its storage has left."""

    def receive(self, all_needs: Sequence[Need], sent: Sent) -> None:
        """Take what is lacking in one stream; raises RampartError when the runtime refuses it."""


def platform_of(machine: str) -> str:
    """Name a node's platform by what its kernel says of the machine."""
    return f"linux/{ARCHITECTURES.get(machine, machine)}"


def own_platform() -> str:
    return platform_of(platform.machine())
