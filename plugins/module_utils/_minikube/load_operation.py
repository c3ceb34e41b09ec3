# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings images from archives into a node that lacks them, and looks whether they arrived."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.node import Node

# containerd tells its Kubernetes part about a new image by an event.
SEEN_SECONDS = 10.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image as the node should have it; without an id only check mode can go on."""

    reference: str
    archive: Path
    id: str


def missing(wanted: Sequence[Wanted], present: Mapping[str, str]) -> list[Wanted]:
    """Return what the node lacks, or has another image for."""
    return [image for image in wanted if not image.id or present.get(image.reference) != image.id]


@dataclass(slots=True)
class LoadOperation:
    """All images of one task."""

    node: Node
    wanted: Sequence[Wanted]
    progress: Progress
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _missing: list[Wanted] = field(default_factory=list)
    _runs: bool = False

    def plan(self) -> Plan:
        """Compare the ids."""
        self._runs = self.node.runs()
        present = self.node.images() if self._runs else {}
        self._missing = missing(self.wanted, present)
        names = [image.reference for image in self._missing]
        where = f"the node {self.node.name}" if self._runs else f"the node {self.node.name}, which is not up,"
        return Plan(
            changed=bool(names),
            reason=f"{where} lacks {', '.join(names)}" if names else "the node has all of them",
            before={name: present.get(name, "absent") for name in names},
            after={image.reference: image.id or "not known yet" for image in self._missing},
            result={"loaded": names},
        )

    def apply(self, plan: Plan) -> Plan:
        """Load them, one after the other: the disk is the limit."""
        if not self._runs:
            raise RampartError(
                f"No image can be loaded: the node {self.node.name} does not run.",
                next_step="start the profile (playbooks/cluster_start.yml), then run again",
            )
        for image in self._missing:
            if not image.id:
                raise RampartError(
                    f"The image {image.reference} has no id to be recognised by.",
                    next_step="give the config_digest that rampart.k8s.image_assemble returns",
                )
            self.progress.say(f"loading {image.reference}")
            self.node.load(image.archive)
        self._look()
        return plan

    def _look(self) -> None:
        """Fail unless every image is there under its name: an import that ends well proves nothing."""
        limit = self.clock() + SEEN_SECONDS
        while lacking := missing(self._missing, self.node.images()):
            if self.clock() > limit:
                names = ", ".join(image.reference for image in lacking)
                raise RampartError(
                    f"The node {self.node.name} does not have {names} although the import ended well.",
                    next_step="look which image the archive holds (its manifest.json), remove it, run again",
                )
            self.pause(LOOK_SECONDS)
