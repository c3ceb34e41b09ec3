# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes an image as a folder (OCI image layout), byte for byte the same for the same parts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import TEMPORARY_PREFIX, only_writer
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import Blob, measure, stream_layer
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import (
    CONFIG_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    canonical,
    timestamp,
)
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Entry

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Layer:
    """The files of one layer in their order, and the words of its history."""

    entries: Sequence[Entry]
    made_by: str


@dataclass(frozen=True, slots=True)
class Content:
    """What an image consists of."""

    layers: Sequence[Layer]
    architecture: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    # Builders write these lines into the history, and there dockle looks for secrets.
    settings_made_by: Sequence[str] = ()
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What the folder holds now."""

    manifest: Blob
    config: Blob
    layers: tuple[Blob, ...]


class Blobs:
    """A layout while it is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)

    def put(self, content: bytes) -> Blob:
        """Add a document."""
        blob = measure(iter((content,)))
        (self._blobs / blob.digest.removeprefix("sha256:")).write_bytes(content)
        return blob

    def stream(self, pieces: Iterable[bytes]) -> Blob:
        """Add a layer piece by piece."""
        temporary = self._folder / "layer"
        with temporary.open("wb") as stream:
            stream.writelines(pieces)
        with temporary.open("rb") as stream:
            blob = measure(iter(lambda: stream.read(CHUNK), b""))
        temporary.rename(self._blobs / blob.digest.removeprefix("sha256:"))
        return blob

    def finish(
        self,
        config: Mapping[str, Any],
        layers: Sequence[Blob],
        *,
        said: Mapping[str, str] | None = None,
        called: Mapping[str, str] | None = None,
    ) -> Written:
        """Complete it; ``said`` are annotations of the image itself, ``called`` those of its index."""
        described = self.put(canonical(config))
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, described),
            "layers": [_descriptor(LAYER_TYPE, layer) for layer in layers],
            **({"annotations": dict(said)} if said else {}),
        }
        image = self.put(canonical(manifest))
        (self._folder / "oci-layout").write_bytes(canonical({"imageLayoutVersion": "1.0.0"}))
        entry = {**_descriptor(MANIFEST_TYPE, image), "annotations": dict(called or {})}
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}
        (self._folder / "index.json").write_bytes(canonical(index))
        return Written(image, described, tuple(layers))


def write(content: Content, folder: Path, annotations: Mapping[str, str]) -> Written:
    """Write an image into a new folder; the annotations say in its index what it is called."""
    blobs = Blobs(folder)
    layers = [blobs.stream(stream_layer(layer.entries, content.epoch)) for layer in content.layers]
    return blobs.finish(_config(content, layers), layers, called=annotations)


def _config(content: Content, layers: Sequence[Blob]) -> dict[str, Any]:
    created = timestamp(content.epoch)
    return {
        "architecture": content.architecture,
        "os": "linux",
        "created": created,
        "config": dict(content.settings),
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        "history": [
            *({"created": created, "created_by": layer.made_by} for layer in content.layers),
            *(
                {"created": created, "created_by": line, "empty_layer": True}
                for line in content.settings_made_by
            ),
        ],
    }


def _descriptor(media_type: str, blob: Blob) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.size}


@contextmanager
def workshop(target: Path) -> Iterator[Path]:
    """Yield a folder beside a layout to make it in; what killed runs left there is removed first."""
    prefix = f"{TEMPORARY_PREFIX}{target.name}."
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    for left in target.parent.glob(f"{prefix}*"):
        # Whoever still works there holds its lock.
        with suppress(RampartError, OSError), only_writer(left):
            shutil.rmtree(left, ignore_errors=True)
    made = Path(mkdtemp(dir=target.parent, prefix=prefix))
    try:
        with only_writer(made):
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def replace_folder(new: Path, target: Path) -> None:
    """Put a finished folder in the place of another; a kill in between leaves none, and never a half one."""
    old = target.with_name(f"{TEMPORARY_PREFIX}{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
