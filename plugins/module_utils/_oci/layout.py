# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""An image as a folder (OCI image layout 1.1), with what refers to it.

What refers to an image lies among the blobs and is not listed in ``index.json``: so does cosign,
which finds it by its subject. Tools that know nothing of signatures still see one image.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import (
    leftovers,
    only_writer,
    write_atomic,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci import documents, layers, reading
from ansible_collections.rampart.k8s.plugins.module_utils._oci.choosing import Choice, resolve
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import MANIFEST_TYPE, Descriptor
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers, refuse
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Reference

EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"

# By this cosign recognises the image that the bundles in a layout are about.
KIND = "kind"
KIND_IMAGE = "dev.cosignproject.cosign/image"


class Layout:
    """The folder; every byte that is read from it is checked against its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._members = FolderMembers(folder)

    def index(self) -> dict[str, Any]:
        """Read the list of images."""
        return documents.index_of(self._members)

    def resolve(self, reference: Reference) -> Descriptor:
        """Pick the image that a reference means; more than one candidate is an error."""
        return resolve(self._members, Choice(reference.tag, reference.digest))

    def path(self, digest: str) -> Path:
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def stream(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob; raise at its end when it is not what its name says."""
        return documents.stream(self._members, descriptor)

    def document(self, descriptor: Descriptor) -> dict[str, Any]:
        """Read a manifest, an index or a configuration."""
        return documents.document(self._members, descriptor, descriptor.digest)[1]

    def check(self, descriptor: Descriptor) -> None:
        """Read every byte that a manifest or an index stands for and compare it with its name."""
        layers.check(self._members, descriptor)

    def referrers(self, subject: str, artifact_type: str) -> list[Descriptor]:
        """Return the layers of everything of one type that says it is about a digest, in a fixed order."""
        found: list[Descriptor] = []
        for path in sorted((self.folder / "blobs" / "sha256").glob("[0-9a-f]*")):
            if path.stat().st_size > documents.MANIFEST_LIMIT:
                continue
            raw = path.read_bytes()
            # Only a manifest with a subject is of interest, and layers are seldom JSON.
            if not raw.startswith(b"{") or b'"subject"' not in raw:
                continue
            descriptor = Descriptor.of(raw, MANIFEST_TYPE)
            if path.name != descriptor.digest.partition(":")[2]:
                why = f"the content of sha256:{path.name} is not what its name says"
                raise refuse(str(self.folder), "digest", why)
            try:
                manifest = json.loads(raw)
            except ValueError:
                continue
            about = manifest.get("subject") if isinstance(manifest, dict) else None
            if isinstance(about, dict) and about.get("digest") == subject:
                found += [
                    documents.describe(layer, str(self.folder), "what refers to an image")
                    for layer in manifest.get("layers") or []
                    if str(layer.get("mediaType") or "") == artifact_type
                ]
        return found

    def attach(
        self, subject: Descriptor, artifact_type: str, content: bytes, annotations: Mapping[str, str]
    ) -> str:
        """Add something that refers to an image, and mark that image for cosign; return its digest."""
        with only_writer(self.folder):
            layer = self._put(content, artifact_type)
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "artifactType": artifact_type,
                "config": {**self._put(EMPTY, EMPTY_TYPE), "artifactType": artifact_type},
                "layers": [layer],
                "subject": {
                    "mediaType": subject.media_type or MANIFEST_TYPE,
                    "digest": subject.digest,
                    "size": subject.size,
                },
                "annotations": dict(annotations),
            }
            raw = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
            digest = str(self._put(raw, MANIFEST_TYPE)["digest"])
            self._mark(subject.digest)
        return digest

    def _put(self, content: bytes, media_type: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        target = self.path(digest)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, content, mode=0o644)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def _mark(self, digest: str) -> None:
        index = self.index()
        wanted = json.loads(json.dumps(index))
        for entry in wanted["manifests"]:
            annotations = entry.get("annotations") or {}
            if entry.get("digest") == digest:
                entry["annotations"] = {**annotations, KIND: KIND_IMAGE}
            elif annotations.get(KIND) == KIND_IMAGE:
                # cosign takes the first that it finds; with several images none may claim to be the one.
                entry["annotations"] = {key: value for key, value in annotations.items() if key != KIND}
        if wanted != index:
            write_atomic(
                self.folder / "index.json", json.dumps(wanted, separators=(",", ":")).encode(), mode=0o644
            )

    def annotate(self, digest: str, annotations: Mapping[str, str]) -> None:
        """Say something of an image in the index, beside what is said there already."""
        with only_writer(self.folder):
            index = self.index()
            for entry in index["manifests"]:
                if entry.get("digest") == digest:
                    entry["annotations"] = {**(entry.get("annotations") or {}), **annotations}
            for left in leftovers(self.folder / "index.json"):
                left.unlink(missing_ok=True)
            write_atomic(
                self.folder / "index.json", json.dumps(index, separators=(",", ":")).encode(), mode=0o644
            )


def present(folder: Path) -> Descriptor | None:
    """Return the one image of a layout whose parts are all there in their sizes; none when they are not.

    No layer is hashed: whoever uses one reads and checks it. What a killed run left is not whole.
    """
    try:
        members = FolderMembers(folder)
        image = reading.open_image(members)
        whole = all(layer.blob and members.size(layer.file) == layer.blob.size for layer in image.layers)
    except (RampartError, OSError):
        return None
    return image.documents[0][0] if whole and image.documents else None
