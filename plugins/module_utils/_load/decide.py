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
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import Descriptor

UNCHANGED, LACKING, LOADED, FAILED = "unchanged", "lacking", "loaded", "failed"


@dataclass(frozen=True, slots=True)
class Holding:
    """What a node has."""

    # What each name means there.
    names: Mapping[str, str] = field(default_factory=dict)
    # Digests of all content that is there whole.
    blobs: frozenset[str] = frozenset()
    # As in linux/amd64; empty when the node could not be asked.
    platform: str = ""
    # Names by which running containers know their images.
    used: frozenset[str] = frozenset()

    def uses(self, name: str) -> bool:
        """Say whether a container runs what a name means now, by this name or by another."""
        digest = self.names.get(name)
        return any(other in self.used for other, meant in self.names.items() if meant == digest)


@dataclass(frozen=True, slots=True)
class Need:
    """What one node lacks of one image."""

    image: NodeImage
    names: tuple[str, ...] = ()
    blobs: tuple[Descriptor, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.blobs)

    @property
    def size(self) -> int:
        """How many bytes have to be sent."""
        return sum(blob.size for blob in self.blobs)


def need(image: NodeImage, holding: Holding) -> Need:
    """Say what has to be sent so that the names mean the image."""
    return Need(
        image,
        tuple(name for name in image.names if holding.names.get(name) != image.target.digest),
        tuple(blob for digest, blob in image.blobs.items() if digest not in holding.blobs),
    )


def needs(images: Iterable[NodeImage], holding: Holding) -> list[Need]:
    """Return what is to be done, image by image; what two of them share is sent once."""
    found, coming = [], set(holding.blobs)
    for image in images:
        one = need(image, Holding(holding.names, frozenset(coming)))
        coming |= {blob.digest for blob in one.blobs}
        if one:
            found.append(one)
    return found


def planned(images: Sequence[NodeImage], holding: Holding) -> dict[str, Any]:
    """Say what a node gets, in plain data."""
    lacking = needs(images, holding)
    return {
        "result": LACKING if lacking else UNCHANGED,
        "bytes": sum(one.size for one in lacking),
        "moved": {
            name: {
                "before": holding.names.get(name, "absent"),
                "after": one.image.target.digest,
                "in_use": holding.uses(name),
            }
            for one in lacking
            for name in one.names
        },
    }


def lacking_names(images: Sequence[NodeImage], holdings: Iterable[Holding]) -> str:
    """List the images that any node lacks, by the names that were asked for."""
    names = {one.image.name for holding in holdings for one in needs(images, holding)}
    return ", ".join(sorted(names))


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
