# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lays the parts of an image out as files, without unpacking any: configurations and layers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import TEMPORARY_PREFIX
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import (
    CHUNK,
    INDEX_TYPES,
    MANIFEST_LIMIT,
    Descriptor,
    Layout,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Place, Reference

# How tools recognise what a layer is packed with: by its name.
SUFFIXES = {b"\x1f\x8b": ".tar.gz", b"\x28\xb5\x2f\xfd": ".tar.zst"}
PULL_SECONDS = 600.0


@dataclass(slots=True)
class Parts:
    """An image whose layers are files in one folder, named by their position."""

    digest: str
    folder: Path
    configs: list[dict[str, Any]] = field(default_factory=list)
    # The digest of each layer, by the name of its file.
    layers: dict[str, str] = field(default_factory=dict)


def suffix(start: bytes) -> str:
    return next((found for magic, found in SUFFIXES.items() if start.startswith(magic)), ".tar")


@contextmanager
def opened(reference: Reference, crane: Cli) -> Iterator[Parts]:
    """Yield the parts of an image; every blob is checked against its digest first."""
    if reference.place is Place.ARCHIVE:
        with tempfile.TemporaryDirectory(prefix="rampart-") as work:
            yield _of_archive(reference, Path(work))
    elif reference.place is Place.REGISTRY:
        with tempfile.TemporaryDirectory(prefix="rampart-") as work:
            pulled = Path(work) / "layout"
            crane.run("pull", "--format=oci", str(reference), str(pulled), timeout=PULL_SECONDS)
            layout = Layout(pulled)
            with _of_layout(layout, layout.images()[0]) as parts:
                yield parts
    else:
        layout = Layout(reference.path)
        with _of_layout(layout, layout.resolve(reference)) as parts:
            yield parts


@contextmanager
def _of_layout(layout: Layout, descriptor: Descriptor) -> Iterator[Parts]:
    with _folder_beside(layout.folder) as folder:
        parts = Parts(descriptor.digest, folder)
        for manifest in _manifests(layout, descriptor):
            parts.configs.append(layout.document(Descriptor.of(manifest.get("config"), descriptor.digest)))
            for entry in manifest.get("layers") or []:
                layer = Descriptor.of(entry, descriptor.digest)
                if layer.digest not in parts.layers.values():
                    _add(parts, layer.digest, layout, layer)
        yield parts


def _manifests(layout: Layout, descriptor: Descriptor) -> list[dict[str, Any]]:
    """Return the manifests of all platforms that are there; at least one must be."""
    content = layout.document(descriptor)
    if descriptor.media_type not in INDEX_TYPES and "manifests" not in content:
        return [content]
    parts = [Descriptor.of(entry, descriptor.digest) for entry in content.get("manifests") or []]
    found = [layout.document(part) for part in parts if layout.path(part.digest).exists()]
    if not found:
        raise RampartError(
            f"The index {descriptor.digest} in {layout.folder} names no image that is there.",
            next_step="copy the image with its platforms",
        )
    return found


def _add(parts: Parts, digest: str, layout: Layout, layer: Descriptor) -> None:
    source = layout.path(layer.digest)
    start = b""
    for number, piece in enumerate(layout.stream(layer)):
        start = piece[:4] if number == 0 else start
    name = f"{len(parts.layers):03d}{suffix(start)}"
    target = parts.folder / name
    # A second name costs nothing; where the file system has none, a copy does.
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    parts.layers[name] = digest


@contextmanager
def _folder_beside(folder: Path) -> Iterator[Path]:
    """Yield a private folder, on the same file system where possible, and not in the image itself."""
    made = None
    with suppress(OSError):
        made = tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=folder.parent)
    if made is None:
        made = tempfile.mkdtemp(prefix="rampart-")
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _of_archive(reference: Reference, work: Path) -> Parts:
    """Take the members that the archive's own list names, and nothing else."""
    try:
        with tarfile.open(reference.path, "r:") as archive:
            listing = _json(archive, "manifest.json", reference)
            wanted = [
                entry
                for entry in listing
                if not reference.tag
                or any(str(name).endswith(f":{reference.tag}") for name in entry.get("RepoTags") or [])
            ]
            if len(wanted) != 1:
                raise _bad(reference, f"it holds {len(wanted)} images of that name")
            config = _json(archive, wanted[0]["Config"], reference)
            parts = Parts("", work, [config])
            for layer in wanted[0]["Layers"]:
                _extract(archive, layer, parts, reference)
            raw = archive.extractfile(wanted[0]["Config"])
            # An archive has no manifest that registries know; its configuration names it.
            parts.digest = f"sha256:{hashlib.sha256(raw.read() if raw else b'').hexdigest()}"
            return parts
    except (tarfile.TarError, OSError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise _bad(reference, f"it cannot be read ({error})") from error


def _bad(reference: Reference, why: str) -> RampartError:
    return RampartError(
        f"{reference} is not an image as docker save writes it: {why}.",
        next_step="save the image again",
        image=str(reference),
    )


def _json(archive: tarfile.TarFile, name: str, reference: Reference) -> Any:
    member = archive.getmember(name)
    stream = archive.extractfile(member)
    if stream is None or member.size > MANIFEST_LIMIT:
        raise _bad(reference, f"its member {name} is no small file")
    try:
        return json.loads(stream.read())
    except ValueError as error:
        raise _bad(reference, f"its member {name} is not JSON") from error


def _extract(archive: tarfile.TarFile, member: str, parts: Parts, reference: Reference) -> None:
    stream = archive.extractfile(member)
    if stream is None:
        raise _bad(reference, f"its layer {member} is no file")
    start = stream.read(4)
    name = f"{len(parts.layers):03d}{suffix(start)}"
    measured = hashlib.sha256(start)
    with (parts.folder / name).open("wb") as target:
        target.write(start)
        while piece := stream.read(CHUNK):
            measured.update(piece)
            target.write(piece)
    parts.layers[name] = f"sha256:{measured.hexdigest()}"
