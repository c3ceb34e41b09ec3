# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Loads into containerd by its own client, which every node with containerd has."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import Holding, Need, View
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import Machine, ask
from ansible_collections.rampart.k8s.plugins.module_utils._load.runtime import free_below, platform_of
from ansible_collections.rampart.k8s.plugins.module_utils._load.stream import Sent, partial_layout
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import DIGEST

# The kubelet's side of containerd takes up every new name, and marks it.
TAKEN_UP = "io.cri-containerd.image=managed"


class Containerd:
    """One containerd, on this machine or in a node."""

    def __init__(
        self,
        machine: Machine,
        *,
        ctr: str = "ctr",
        address: str = "",
        namespace: str = "k8s.io",
        timeout: float = 600.0,
    ) -> None:
        self._machine = machine
        self._timeout = timeout
        self._ctr = (ctr, *([f"--address={address}"] if address else []), f"--namespace={namespace}")

    @property
    def name(self) -> str:
        return self._machine.name

    def view(self, image: NodeImage) -> View:
        parts = {digest: blob.size for digest, blob in image.blobs.items()}
        return View(image, image.names, image.target.digest, parts)

    def holding(self) -> Holding:
        machine, listed, content, containers, plugins = ask(
            self._machine,
            ("uname", "-m"),
            (*self._ctr, "images", "list"),
            (*self._ctr, "content", "list", "--quiet"),
            (*self._ctr, "containers", "list"),
            (*self._ctr, "plugins", "list", "id==cri"),
        )
        return Holding(
            names=read_names(listed, taken_up="cri" in plugins),
            parts=frozenset(content.split()),
            platform=platform_of(machine.strip()),
            used=frozenset(read_used(containers)),
        )

    def free(self) -> int:
        done = self._machine.run(*self._ctr, "plugins", "list", "--detailed", "id==content")
        root = re.search(r"^\s*root\s+(/\S+)", done.stdout, re.MULTILINE)
        if not root:
            raise RampartError(
                f"containerd of {self.name} does not say where it keeps its content.",
                next_step=f"run {' '.join(self._ctr)} plugins list --detailed by hand",
            )
        return free_below(self._machine, root[1])

    def receive(self, all_needs: Sequence[Need], sent: Sent) -> None:
        arguments = ("images", "import", "-")
        pieces = sent.counted(partial_layout(all_needs))
        self._machine.run(*self._ctr, *arguments, pieces=pieces, timeout=self._timeout)


def read_names(listing: str, *, taken_up: bool) -> dict[str, str]:
    """Read `ctr images list`: what each name means, of names that the kubelet can see where there is one."""
    found = {}
    for line in listing.splitlines()[1:]:
        name, *columns = line.split()
        digest = next((column for column in columns if DIGEST.fullmatch(column)), "")
        if digest and (not taken_up or TAKEN_UP in columns[-1]):
            found[name] = digest
    return found


def read_used(listing: str) -> list[str]:
    """Read `ctr containers list`: the image of each container."""
    return [columns[1] for line in listing.splitlines()[1:] if len(columns := line.split()) > 1]
