# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads the documents and the blobs of an image, and compares each with the digest that names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import Members, read, refuse

DOCKER_LISTING, OCI_INDEX, OCI_MARKER = "manifest.json", "index.json", "oci-layout"

# The distribution specification's own limit for a manifest.
MANIFEST_LIMIT = 4 * 1024 * 1024


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


def describe(data: Any, place: str, what: str) -> Descriptor:
    """Read the description of a part, which has to name its bytes."""
    found = Descriptor.read(data)
    if found is None:
        raise refuse(place, "document", f"{what} is described without a sha256 digest and a size")
    return found


def stream(members: Members, descriptor: Descriptor) -> Iterator[bytes]:
    """Yield a blob; raise at its end when it is not what describes it."""
    if not members.has(descriptor.file):
        raise refuse(members.place, "missing", f"it does not hold {descriptor.file}")
    yield from verified(members.place, members.chunks(descriptor.file), descriptor)


def verified(place: str, pieces: Iterable[bytes], descriptor: Descriptor) -> Iterator[bytes]:
    """Pass a blob on; raise at its end when it is not what describes it."""
    measured, size = hashlib.sha256(), 0
    for piece in pieces:
        measured.update(piece)
        size += len(piece)
        yield piece
    if f"sha256:{measured.hexdigest()}" != descriptor.digest or size != descriptor.size:
        raise refuse(place, "digest", f"the content of {descriptor.digest} is not what its name says")


def document(members: Members, descriptor: Descriptor, what: str) -> tuple[bytes, dict[str, Any]]:
    """Read a manifest, an index or a configuration."""
    if descriptor.size > MANIFEST_LIMIT:
        raise refuse(members.place, "size", f"{what} has more than {MANIFEST_LIMIT} bytes")
    raw = b"".join(stream(members, descriptor))
    content = parse(raw, members.place, what)
    if not isinstance(content, dict):
        raise refuse(members.place, "document", f"{what} is no object")
    return raw, content


def index_of(members: Members) -> dict[str, Any]:
    """Read the list of images of an OCI layout."""
    marker = parse(read(members, OCI_MARKER), members.place, OCI_MARKER)
    if not isinstance(marker, dict) or marker.get("imageLayoutVersion") != "1.0.0":
        raise refuse(members.place, "document", "its layout version is not 1.0.0")
    content = parse(read(members, OCI_INDEX), members.place, OCI_INDEX)
    if not isinstance(content, dict):
        raise refuse(members.place, "document", f"{OCI_INDEX} is no object")
    return content


def listed(members: Members, index: dict[str, Any]) -> list[Descriptor]:
    """Return the images that an index names; attestations stand in it for a platform that there is not."""
    entries = index.get("manifests")
    if not isinstance(entries, list):
        raise refuse(members.place, "document", "its index lists no manifests")
    found = [describe(entry, members.place, "a part of the index") for entry in entries]
    return [entry for entry in found if entry.platform.get("os") != "unknown"]
