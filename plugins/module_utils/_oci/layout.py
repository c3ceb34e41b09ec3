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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import only_writer, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import DIGEST, Reference

INDEX_TYPES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
TAG = "org.opencontainers.image.ref.name"

# By this cosign recognises the image that the bundles in a layout are about.
KIND = "kind"
KIND_IMAGE = "dev.cosignproject.cosign/image"

# The distribution specification's own limit for a manifest.
MANIFEST_LIMIT = 4 * 1024 * 1024
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One blob as somebody else describes it."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str]
    platform: Mapping[str, str]

    @classmethod
    def of(cls, data: Any, where: str) -> Descriptor:
        match data:
            case {"digest": str() as digest, "size": int() as size} if DIGEST.fullmatch(digest):
                return cls(
                    str(data.get("mediaType") or ""),
                    digest,
                    size,
                    data.get("annotations") or {},
                    data.get("platform") or {},
                )
        raise RampartError(
            f"{where} describes a part of the image without a sha256 digest and a size.",
            next_step="make the image again; no tool writes that",
        )


class Layout:
    """The folder; every byte that is read from it is checked against its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _broken(self, why: str) -> RampartError:
        return RampartError(
            f"{self.folder} is not a whole OCI layout: {why}.",
            next_step="make or copy the image again",
            path=str(self.folder),
        )

    def index(self) -> dict[str, Any]:
        """Read the list of images."""
        try:
            marker = json.loads((self.folder / "oci-layout").read_bytes())
            content = json.loads((self.folder / "index.json").read_bytes())
        except OSError as error:
            raise RampartError(
                f"Could not read {error.filename} of an OCI layout: {error.strerror}.",
                next_step="correct the path, or make the image first",
                path=str(self.folder),
            ) from error
        except ValueError as error:
            raise self._broken(f"its index is not JSON ({error})") from error
        if not isinstance(marker, dict) or marker.get("imageLayoutVersion") != "1.0.0":
            raise self._broken("its version is not 1.0.0")
        if not isinstance(content, dict) or not isinstance(content.get("manifests"), list):
            raise self._broken("its index lists no manifests")
        return content

    def images(self) -> list[Descriptor]:
        """Return what the layout offers."""
        return [Descriptor.of(entry, f"{self.folder}/index.json") for entry in self.index()["manifests"]]

    def resolve(self, reference: Reference) -> Descriptor:
        """Pick the image that a reference means; more than one candidate is an error."""
        offered = self.images()
        found = [
            entry
            for entry in offered
            if (not reference.digest or entry.digest == reference.digest)
            and (not reference.tag or entry.annotations.get(TAG, "").rpartition(":")[2] == reference.tag)
        ]
        digests = sorted({entry.digest for entry in found})
        if len(digests) == 1:
            return found[0]
        listed = ", ".join(sorted({entry.digest for entry in offered})) or "nothing"
        raise RampartError(
            f"{reference} is {'several images' if digests else 'not there'}: the layout offers {listed}.",
            next_step="name the image by its digest: oci:/FOLDER@sha256:DIGEST",
            image=str(reference),
        )

    def path(self, digest: str) -> Path:
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Open a blob for streaming; whoever reads it to the end compares the digest."""
        try:
            return self.path(descriptor.digest).open("rb")
        except OSError as error:
            raise self._broken(f"{descriptor.digest} cannot be read ({error.strerror})") from error

    def stream(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob; raise at its end when it is not what its name says."""
        measured, size = hashlib.sha256(), 0
        with self.open(descriptor) as blob:
            while piece := blob.read(CHUNK):
                measured.update(piece)
                size += len(piece)
                yield piece
        if f"sha256:{measured.hexdigest()}" != descriptor.digest or size != descriptor.size:
            raise self._broken(f"the content of {descriptor.digest} is not what its name says")

    def document(self, descriptor: Descriptor) -> dict[str, Any]:
        """Read a manifest, an index or a configuration."""
        if descriptor.size > MANIFEST_LIMIT:
            raise self._broken(f"{descriptor.digest} is too large for a manifest")
        raw = b"".join(self.stream(descriptor))
        try:
            content = json.loads(raw)
        except ValueError as error:
            raise self._broken(f"{descriptor.digest} is not JSON ({error})") from error
        if not isinstance(content, dict):
            raise self._broken(f"{descriptor.digest} is not an object")
        return content

    def referrers(self, subject: str, artifact_type: str) -> list[Descriptor]:
        """Return the layers of everything of one type that says it is about a digest, in a fixed order."""
        found: list[Descriptor] = []
        for path in sorted((self.folder / "blobs" / "sha256").glob("[0-9a-f]*")):
            if path.stat().st_size > MANIFEST_LIMIT:
                continue
            raw = path.read_bytes()
            # Only a manifest with a subject is of interest, and layers are seldom JSON.
            if not raw.startswith(b"{") or b'"subject"' not in raw:
                continue
            if hashlib.sha256(raw).hexdigest() != path.name:
                raise self._broken(f"the content of sha256:{path.name} is not what its name says")
            try:
                manifest = json.loads(raw)
            except ValueError:
                continue
            about = manifest.get("subject") if isinstance(manifest, dict) else None
            if isinstance(about, dict) and about.get("digest") == subject:
                found += [
                    Descriptor.of(layer, f"sha256:{path.name}")
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

    def check(self, descriptor: Descriptor) -> None:
        """Read every byte that a manifest or an index stands for and compare it with its name."""
        content = self.document(descriptor)
        if descriptor.media_type in INDEX_TYPES or "manifests" in content:
            for entry in content.get("manifests") or []:
                part = Descriptor.of(entry, descriptor.digest)
                # An index may name platforms that were not copied; what is here must be right.
                if self.path(part.digest).exists():
                    self.check(part)
            return
        for entry in [content.get("config"), *(content.get("layers") or [])]:
            for _piece in self.stream(Descriptor.of(entry, descriptor.digest)):
                pass


def present(folder: Path) -> Descriptor | None:
    """Return the one image of a layout whose parts are all there in their sizes; none when they are not.

    Nothing is hashed: whoever uses a part reads and checks it. What a killed run left is not whole.
    """
    layout = Layout(folder)
    try:
        (image,) = layout.images()
        manifest = layout.document(image)
        parts = [Descriptor.of(entry, image.digest) for entry in (manifest["config"], *manifest["layers"])]
        whole = all(layout.path(part.digest).stat().st_size == part.size for part in parts)
    except (RampartError, OSError, ValueError, KeyError, TypeError):
        return None
    return image if whole else None
