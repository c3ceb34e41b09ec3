# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lays the parts of an image out as files, without unpacking any: configurations and layers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import TEMPORARY_PREFIX
from ansible_collections.rampart.k8s.plugins.module_utils._oci.choosing import Choice
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layers import packed
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import (
    FolderMembers,
    Members,
    TarMembers,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import Layer, open_images
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
    choice = Choice(reference.tag, reference.digest)
    if reference.place is Place.REGISTRY:
        with tempfile.TemporaryDirectory(prefix="rampart-") as work:
            pulled = Path(work) / "layout"
            crane.run("pull", "--format=oci", str(reference), str(pulled), timeout=PULL_SECONDS)
            with _laid_out(FolderMembers(pulled), Choice(), pulled.parent) as parts:
                yield parts
    elif reference.place is Place.LAYOUT:
        with _laid_out(FolderMembers(reference.path), choice, reference.path.parent) as parts:
            yield parts
    else:
        members = TarMembers(reference.path)
        try:
            with _laid_out(members, choice, reference.path.parent) as parts:
                yield parts
        finally:
            members.close()


@contextmanager
def _laid_out(members: Members, choice: Choice, beside: Path) -> Iterator[Parts]:
    images = open_images(members, choice)
    with _folder_in(beside) as folder:
        parts = Parts(images[0].digest, folder)
        for image in images:
            parts.configs.append(image.settings)
            for layer in image.layers:
                _add(parts, members, layer)
        yield parts


def _add(parts: Parts, members: Members, layer: Layer) -> None:
    digest = layer.blob.digest if layer.blob else layer.diff_id
    if digest in parts.layers.values():
        return
    target = parts.folder / "layer"
    # A second name costs nothing; where the file system has none, a copy does.
    linked = isinstance(members, FolderMembers) and _linked(members.path(layer.file), target)
    start = b""
    with open(os.devnull, "wb") if linked else target.open("xb") as copy:
        for piece in packed(members, layer):
            start = start or piece[:4]
            copy.write(piece)
    name = f"{len(parts.layers):03d}{suffix(start)}"
    target.rename(parts.folder / name)
    parts.layers[name] = digest


def _linked(source: Path, target: Path) -> bool:
    with suppress(OSError):
        os.link(source, target)
        return True
    return False


@contextmanager
def _folder_in(beside: Path) -> Iterator[Path]:
    """Yield a private folder, on the same file system where possible, and not in the image itself."""
    made = None
    with suppress(OSError):
        made = tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=beside)
    if made is None:
        made = tempfile.mkdtemp(prefix="rampart-")
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
