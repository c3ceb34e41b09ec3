# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads an image of any packing down to its configuration, and checks every digest on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.choosing import Choice, one_of, resolve
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import DIGEST, Descriptor, digest_of
from ansible_collections.rampart.k8s.plugins.module_utils._oci.documents import (
    DOCKER_LISTING,
    OCI_INDEX,
    describe,
    document,
    listed,
    parse,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import Members, read, refuse

# An index may name indexes; an image has no reason for more.
DEEPEST = 3

Documents = tuple[tuple[Descriptor, bytes], ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, and the file that holds it."""

    # The digest of its unpacked bytes.
    diff_id: str
    file: str
    # How the manifest describes it; an archive of docker has none.
    blob: Descriptor | None = None


@dataclass(frozen=True, slots=True)
class PackedImage:
    """An image whose configuration is read and whose layers are known by their digests."""

    members: Members
    config: bytes
    layers: tuple[Layer, ...]
    # From what its digest names down to its manifest; an archive of docker has none.
    documents: Documents = ()
    # What the packing calls it.
    names: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The digest of the configuration: what docker and the kubelet call the image's id."""
        return digest_of(self.config)

    @property
    def digest(self) -> str:
        """What registries call it; an archive of docker knows no other name than the id."""
        return self.documents[0][0].digest if self.documents else self.id

    @property
    def settings(self) -> dict[str, Any]:
        """What the configuration says."""
        found: dict[str, Any] = json.loads(self.config)
        return found

    @property
    def user(self) -> str:
        settings = self.settings.get("config")
        return str(settings.get("User") or "") if isinstance(settings, dict) else ""

    @property
    def platform(self) -> str:
        parts = (self.settings.get(key) for key in ("os", "architecture", "variant"))
        return "/".join(str(part) for part in parts if part)


def open_image(members: Members, choice: Choice | None = None) -> PackedImage:
    """Find the one image in a packing."""
    wanted = choice or Choice()
    found: list[PackedImage] = []
    if members.has(OCI_INDEX):
        found.append(_of_platform(members, resolve(members, wanted), wanted))
    return _agreed(members, found, wanted)[0]


def open_images(members: Members, choice: Choice | None = None) -> list[PackedImage]:
    """Open an image for every platform that is there; at least one must be."""
    wanted = choice or Choice()
    found: list[PackedImage] = []
    if members.has(OCI_INDEX):
        found += open_below(members, resolve(members, wanted))
    return _agreed(members, found, wanted)


def open_below(members: Members, descriptor: Descriptor, above: Documents = ()) -> Iterator[PackedImage]:
    """Yield the images that a manifest or an index stands for and that are there."""
    raw, content = document(members, descriptor, "a manifest")
    documents = (*above, (descriptor, raw))
    if "config" in content:
        yield _of_manifest(members, content, documents)
        return
    there = [part for part in listed(members, content) if members.has(part.file)]
    if not there or len(documents) == DEEPEST:
        raise refuse(members.place, "missing", f"the index {descriptor.digest} names no image that is there")
    for part in there:
        yield from open_below(members, part, documents)


def _agreed(members: Members, found: list[PackedImage], choice: Choice) -> list[PackedImage]:
    """Refuse a packing that is two images, by who reads it."""
    if members.has(DOCKER_LISTING):
        docker = _of_docker(members, choice, by_id=not found)
        if found and docker.id not in {image.id for image in found}:
            raise refuse(
                members.place, "ambiguous", f"{OCI_INDEX} and {DOCKER_LISTING} name two different images"
            )
        found = found or [docker]
    if not found:
        raise refuse(members.place, "missing", f"it holds neither {OCI_INDEX} nor {DOCKER_LISTING}")
    return found


def _of_platform(members: Members, descriptor: Descriptor, choice: Choice) -> PackedImage:
    """Go down from an index to the image of one platform."""
    documents: Documents = ()
    while len(documents) < DEEPEST:
        raw, content = document(members, descriptor, "a manifest")
        documents = (*documents, (descriptor, raw))
        if "config" in content:
            return _of_manifest(members, content, documents)
        parts = listed(members, content)
        descriptor = one_of(members, parts, parts, choice)
    raise refuse(members.place, "document", f"{OCI_INDEX} leads to no image")


def _of_manifest(members: Members, content: dict[str, Any], documents: Documents) -> PackedImage:
    descriptor = describe(content["config"], members.place, "the configuration")
    raw, config = document(members, descriptor, "the configuration")
    blobs = [describe(entry, members.place, "a layer") for entry in content.get("layers") or []]
    layers = _layers(members, config, [(blob.file, blob) for blob in blobs])
    return PackedImage(members, raw, layers, documents, documents[0][0].names)


def _layers(members: Members, config: Any, files: list[tuple[str, Descriptor | None]]) -> tuple[Layer, ...]:
    root = config.get("rootfs") if isinstance(config, dict) else None
    digests = root.get("diff_ids") if isinstance(root, dict) else None
    if not isinstance(digests, list) or not all(DIGEST.fullmatch(str(digest)) for digest in digests):
        raise refuse(members.place, "document", "its configuration names no layers")
    if len(digests) != len(files):
        raise refuse(members.place, "layers", f"it has {len(files)} layers and names {len(digests)}")
    missing = [name for name, _blob in files if not members.has(name)]
    if missing:
        raise refuse(members.place, "missing", f"it does not hold {', '.join(missing)}")
    return tuple(Layer(str(digest), *file) for digest, file in zip(digests, files, strict=True))


def _of_docker(members: Members, choice: Choice, *, by_id: bool) -> PackedImage:
    listing = parse(read(members, DOCKER_LISTING), members.place, DOCKER_LISTING)
    entries = [entry for entry in listing if isinstance(entry, dict)] if isinstance(listing, list) else []
    if choice.name:
        entries = [entry for entry in entries if any(map(choice.names, _tags(entry)))]
    images = [_of_entry(members, entry) for entry in entries]
    if choice.digest and by_id:
        images = [image for image in images if image.id == choice.digest]
    if len(images) == 1:
        return images[0]
    if not images:
        raise refuse(members.place, "missing", f"it holds no image {choice.meant}".rstrip())
    raise RampartError(
        f"{members.place} holds {len(images)} images.",
        next_step="say which by its name, or pack each by itself",
    )


def _tags(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(name) for name in entry.get("RepoTags") or ())


def _of_entry(members: Members, entry: dict[str, Any]) -> PackedImage:
    name, files = entry.get("Config"), entry.get("Layers")
    if not isinstance(name, str) or not isinstance(files, list):
        raise refuse(members.place, "document", f"{DOCKER_LISTING} lacks the configuration or the layers")
    content = read(members, name)
    said = re.search(r"[0-9a-f]{64}", name)
    if said and f"sha256:{said.group()}" != digest_of(content):
        raise refuse(members.place, "digest", f"{name} is not what its name says")
    config = parse(content, members.place, "its configuration")
    layers = _layers(members, config, [(str(file), None) for file in files])
    return PackedImage(members, content, layers, names=_tags(entry))
