# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads an image of any packing down to its configuration, and checks every digest on the way."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import architecture
from ansible_collections.rampart.k8s.plugins.module_utils._images.members import Members, read, refuse

DOCKER_LISTING, OCI_INDEX = "manifest.json", "index.json"
NAMED = "org.opencontainers.image.ref.name"
DEEPEST = 3

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class PackedImage:
    """An image whose configuration is read and whose layers are known by their digests."""

    members: Members
    config: bytes
    # The digest of each layer's unpacked bytes, and the file that holds it.
    layers: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """The digest of the configuration: what docker calls the image's id."""
        return f"sha256:{hashlib.sha256(self.config).hexdigest()}"

    @property
    def user(self) -> str:
        settings = json.loads(self.config).get("config")
        return str(settings.get("User") or "") if isinstance(settings, dict) else ""


def _once(place: str) -> Any:
    def hook(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise refuse(place, "ambiguous", f"a document has the key {key[:50]!r} twice")
            found[key] = value
        return found

    return hook


def parse(content: bytes, place: str, what: str) -> Any:
    """Parse a document of an image; readers differ about keys that stand in it twice."""
    try:
        return json.loads(content, object_pairs_hook=_once(place))
    except (ValueError, RecursionError) as error:
        raise refuse(place, "document", f"{what} is no JSON") from error


def open_image(members: Members, reference: str = "") -> PackedImage:
    """Find the one image in a packing. One that is two images, by who reads it, is refused."""
    found = []
    if members.has(OCI_INDEX):
        found.append(_of_oci(members, reference))
    if members.has(DOCKER_LISTING):
        found.append(_of_docker(members, reference))
    if not found:
        raise refuse(members.place, "missing", f"it holds neither {OCI_INDEX} nor {DOCKER_LISTING}")
    if len({image.digest for image in found}) > 1:
        raise refuse(
            members.place, "ambiguous", f"{OCI_INDEX} and {DOCKER_LISTING} name two different images"
        )
    return found[0]


def _config(members: Members, content: bytes, files: list[str]) -> PackedImage:
    config = parse(content, members.place, "its configuration")
    root = config.get("rootfs") if isinstance(config, dict) else None
    digests = root.get("diff_ids") if isinstance(root, dict) else None
    if not isinstance(digests, list) or not all(_DIGEST.fullmatch(str(digest)) for digest in digests):
        raise refuse(members.place, "document", "its configuration names no layers")
    if len(digests) != len(files):
        raise refuse(members.place, "layers", f"it has {len(files)} layers and names {len(digests)}")
    missing = [name for name in files if not members.has(name)]
    if missing:
        raise refuse(members.place, "missing", f"it does not hold {', '.join(missing)}")
    return PackedImage(members, content, tuple(zip(map(str, digests), files, strict=True)))


def _of_docker(members: Members, reference: str) -> PackedImage:
    listing = parse(read(members, DOCKER_LISTING), members.place, DOCKER_LISTING)
    entries = [entry for entry in listing if isinstance(entry, dict)] if isinstance(listing, list) else []
    if reference:
        entries = [entry for entry in entries if reference in (entry.get("RepoTags") or ())] or entries
    if len(entries) != 1:
        raise _choose(members, len(entries))
    name, files = entries[0].get("Config"), entries[0].get("Layers")
    if not isinstance(name, str) or not isinstance(files, list):
        raise refuse(members.place, "document", f"{DOCKER_LISTING} lacks the configuration or the layers")
    content = read(members, name)
    said = re.search(r"[0-9a-f]{64}", name)
    if said and said.group() != hashlib.sha256(content).hexdigest():
        raise refuse(members.place, "digest", f"{name} is not what its name says")
    return _config(members, content, [str(file) for file in files])


def _choose(members: Members, count: int) -> RampartError:
    if not count:
        return refuse(members.place, "missing", "it holds no such image")
    return RampartError(
        f"{members.place} holds {count} images.",
        next_step="say which by its reference, or pack each by itself",
    )


def _blob(members: Members, descriptor: Any, what: str) -> tuple[str, bytes]:
    """Read what a descriptor names, and compare its digest."""
    found = _DIGEST.fullmatch(str(descriptor.get("digest"))) if isinstance(descriptor, dict) else None
    if not found:
        raise refuse(members.place, "document", f"{what} has no digest that is known")
    name = f"blobs/sha256/{found.group(1)}"
    content = read(members, name)
    if hashlib.sha256(content).hexdigest() != found.group(1):
        raise refuse(members.place, "digest", f"{what} has not the digest that it is named by")
    return name, content


def _of_oci(members: Members, reference: str) -> PackedImage:
    document = parse(read(members, OCI_INDEX), members.place, OCI_INDEX)
    for _depth in range(DEEPEST):
        if not isinstance(document, dict):
            break
        if "config" in document:
            _name, config = _blob(members, document["config"], "the configuration")
            files = [_layer(members, layer) for layer in document.get("layers") or []]
            return _config(members, config, files)
        _name, content = _blob(members, _pick(members, document, reference), "a manifest")
        document, reference = parse(content, members.place, "a manifest"), ""
    raise refuse(members.place, "document", f"{OCI_INDEX} leads to no image")


def _layer(members: Members, descriptor: Any) -> str:
    found = _DIGEST.fullmatch(str(descriptor.get("digest"))) if isinstance(descriptor, dict) else None
    if not found:
        raise refuse(members.place, "document", "a layer has no digest that is known")
    return f"blobs/sha256/{found.group(1)}"


def _pick(members: Members, index: Mapping[str, Any], reference: str) -> Any:
    listed = [entry for entry in index.get("manifests") or [] if isinstance(entry, dict)]
    # Attestations and signatures stand beside images, for a platform that there is not.
    listed = [entry for entry in listed if (entry.get("platform") or {}).get("os") != "unknown"]
    if reference:
        tag = reference.rpartition(":")[2]
        named = [entry for entry in listed if _named(entry) in (reference, tag)]
        listed = named or ([] if any(map(_named, listed)) else listed)
    if len(listed) > 1:
        own = architecture()
        fitting = [
            entry
            for entry in listed
            if (entry.get("platform") or {}).get("architecture") == own
            and (entry.get("platform") or {}).get("os") == "linux"
        ]
        listed = fitting or listed
    if len({entry.get("digest") for entry in listed}) != 1:
        raise _choose(members, len(listed))
    return listed[0]


def _named(entry: Mapping[str, Any]) -> str:
    return str((entry.get("annotations") or {}).get(NAMED, ""))
