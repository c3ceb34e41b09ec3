# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which images are to be loaded, in the words of the person, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._oci.choosing import Choice
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import DIGEST
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import PackedImage
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import NAMED_IMAGE, Place, Reference
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import parse as parse_reference

BY_PATH = ("layout", "archive")
SOURCES = (*BY_PATH, "docker", "registry")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One image and the name that nodes should have it under."""

    source: str
    place: str
    choice: Choice
    name: str = ""
    # What a gate has judged; another image is refused.
    digest: str = ""

    @property
    def shown(self) -> str:
        """Name it for a person."""
        return self.name or f"{self.source} {self.place}"

    @property
    def signed_as(self) -> str:
        """How signatures know the image; empty for what cannot carry any."""
        if self.source == "registry":
            return self.place
        if self.source != "layout":
            return ""
        tag = f":{self.choice.name.rpartition(':')[2]}" if self.choice.name else ""
        digest = f"@{self.choice.digest}" if self.choice.digest else ""
        return f"oci:{self.place}{tag}{digest}"

    def exists(self) -> bool:
        """Say whether there is anything to read; an earlier task may have to make it first."""
        return self.source not in BY_PATH or Path(self.place).exists()

    def for_nodes(self, packed: PackedImage) -> NodeImage:
        """Give what was read its name, and refuse what nobody has judged."""
        image = NodeImage.of(packed, self.name or self._own_name(packed))
        if self.digest and self.digest not in image.digests:
            raise RampartError(
                f"{self.shown} is {image.target.digest} (id {packed.id}), but {self.digest} is what was "
                "judged: it changed in between. Nothing is loaded.",
                next_step="let the gates judge what is there now, then load it",
                image=self.shown,
                digest=image.target.digest,
                expected=self.digest,
            )
        return image

    def _own_name(self, packed: PackedImage) -> str:
        if self.source not in BY_PATH:
            # A name without a tag would be that of the next image as well.
            head = self.place.partition("@")[0]
            whole = [head] if ":" in head.rpartition("/")[2] else []
        else:
            whole = [name for name in packed.names if "/" in name or ":" in name]
        if len(whole) != 1:
            said = f"has the names {', '.join(whole)}" if whole else "says no whole name of its own"
            raise RampartError(
                f"The image in {self.place} {said}, so it is not known under which nodes should have it.",
                next_step="give name, like registry.example.com/shop/backend:1.2.0",
            )
        return whole[0]


def registry_reference(place: str) -> Reference:
    """Read where an image is to be fetched from; nothing else than that is ever asked of a registry."""
    found = parse_reference(place)
    if found.place is not Place.REGISTRY or not (found.tag or found.digest):
        raise RampartError(
            f"{place!r} does not say which image of which registry is to be fetched.",
            next_step="write it as HOST[:PORT]/REPOSITORY:TAG or HOST[:PORT]/REPOSITORY@sha256:DIGEST",
        )
    return found


def parse(entry: Mapping[str, Any]) -> Wanted:
    """Read one entry of the list."""
    given = [source for source in SOURCES if entry.get(source)]
    if len(given) != 1:
        raise RampartError(
            f"An image names {' and '.join(given) or 'no source'}.",
            next_step=f"give one of {', '.join(SOURCES)}",
        )
    source = given[0]
    place, name, digest = str(entry[source]), str(entry.get("name") or ""), str(entry.get("digest") or "")
    if source in BY_PATH and not Path(place).is_absolute():
        raise RampartError(f"{place} is not an absolute path.", next_step="give the whole path")
    if source == "docker" and not (NAMED_IMAGE.fullmatch(place) or DIGEST.fullmatch(place)):
        raise RampartError(
            f"{place!r} cannot be the name of an image.", next_step="write it as NAME:TAG, or give its id"
        )
    if source == "registry":
        registry_reference(place)
    if name and not NAMED_IMAGE.fullmatch(name):
        raise RampartError(
            f"{name!r} cannot be the name of an image.",
            next_step="write it as REPOSITORY:TAG, without a digest",
        )
    if digest and not DIGEST.fullmatch(digest):
        raise RampartError(
            f"{digest!r} is no sha256 digest.", next_step="write it as sha256: and 64 hexadecimal digits"
        )
    reference, platform = str(entry.get("reference") or ""), str(entry.get("platform") or "")
    by_digest = reference if DIGEST.fullmatch(reference) else ""
    return Wanted(source, place, Choice("" if by_digest else reference, by_digest, platform), name, digest)
