# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Compares what a node holds with what it should hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage

UNCHANGED, LACKING, LOADED, FAILED = "unchanged", "lacking", "loaded", "failed"


@dataclass(frozen=True, slots=True)
class View:
    """An image as one kind of runtime knows it."""

    image: NodeImage
    names: tuple[str, ...]
    # What the names mean there: the digest or the id.
    means: str
    # What it consists of there, with the size of each part.
    parts: Mapping[str, int]
    # Whether a pod that names it by its digest finds it there.
    by_digest: bool = True


@dataclass(frozen=True, slots=True)
class Holding:
    """What a node has."""

    # What each name means there.
    names: Mapping[str, str] = field(default_factory=dict)
    # The parts of images that are there whole.
    parts: frozenset[str] = frozenset()
    # As in linux/amd64; empty when the node could not be asked.
    platform: str = ""
    # Names by which running containers know their images.
    used: frozenset[str] = frozenset()

    def uses(self, name: str) -> bool:
        """Say whether a container runs what a name means now, by this name or by another."""
        meant = self.names.get(name)
        return any(other in self.used for other, means in self.names.items() if means == meant)


@dataclass(frozen=True, slots=True)
class Need:
    """What one node lacks of one image."""

    view: View
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.parts)

    @property
    def name(self) -> str:
        return self.view.image.name

    @property
    def size(self) -> int:
        """How many bytes have to be sent."""
        return sum(self.view.parts[part] for part in self.parts)


def needs(views: Iterable[View], holding: Holding) -> list[Need]:
    """Return what is to be done, image by image; what two of them share is sent once."""
    found, there = [], set(holding.parts)
    for view in views:
        one = Need(
            view,
            tuple(name for name in view.names if holding.names.get(name) != view.means),
            tuple(part for part in view.parts if part not in there),
        )
        there |= {*one.parts}
        if one:
            found.append(one)
    return found


def planned(views: Sequence[View], holding: Holding) -> dict[str, Any]:
    """Say what a node gets, in plain data."""
    lacking = needs(views, holding)
    return {
        "result": LACKING if lacking else UNCHANGED,
        "bytes": sum(one.size for one in lacking),
        "by_digest": all(view.by_digest for view in views),
        "moved": {
            name: {
                "before": holding.names.get(name, "absent"),
                "after": one.view.means,
                "in_use": holding.uses(name),
            }
            for one in lacking
            for name in one.names
        },
    }


def check_names(images: Sequence[NodeImage]) -> None:
    """Refuse one name for two images."""
    meant: dict[str, str] = {}
    for image in images:
        if meant.setdefault(image.name, image.target.digest) != image.target.digest:
            raise RampartError(
                f"{image.name} would mean two images.", next_step="give each image a name of its own"
            )


def check_platforms(images: Sequence[NodeImage], holdings: Mapping[str, Holding]) -> None:
    """Refuse what the nodes cannot run; variants are left to the kernel."""
    for image in images:
        ours = image.packed.platform
        wrong = [
            name
            for name, holding in holdings.items()
            if holding.platform and ours.split("/")[:2] != holding.platform.split("/")[:2]
        ]
        if wrong:
            raise RampartError(
                f"{image.name} is made for {ours or 'no platform that it names'}, but {', '.join(wrong)} is "
                f"{holdings[wrong[0]].platform}. Nothing was loaded.",
                next_step="build the image for the nodes, or pick their platform with the option platform",
                image=image.name,
                nodes=wrong,
            )
