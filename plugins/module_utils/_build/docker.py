# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a Docker Engine is given to build, and what becomes of the archive that it gives back.

The engine dates what it makes by its own clock. So its layers are written anew, with no time later than
that of the sources, and its configuration without what only tells about the machine that built.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._build.recipe import Recipe
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.layout_writer import Blobs
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import timestamp
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layers import Limits, Meter, unpacked
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers, TarMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import (
    Layer,
    PackedImage,
    open_image,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.repack import repack

# What the engine tells of itself and of the containers that it built with.
OWN = ("container", "container_config", "docker_version", "id", "parent")


def bases(recipe: Recipe, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Write the bases of this machine as archives; return them, and the build arguments that name all bases."""
    archives, names = [], {}
    for argument, base in recipe.bases.items():
        if base.layout is None:
            names[argument] = base.pinned
            continue
        image = open_image(FolderMembers(base.layout))
        archive = folder / f"{argument}.tar"
        repack(image, archive)
        archives.append(str(archive))
        # The engine knows an image that came as an archive by its id.
        names[argument] = image.id
    return archives, names


def convert(recipe: Recipe, archive: Path, target: Path) -> None:
    """Write what the engine saved as a new layout."""
    with closing(TarMembers(archive)) as members:
        image = open_image(members)
        meter = Meter(str(archive), Limits())
        blobs = Blobs(target)
        layers = [blobs.stream(_dated(image, layer, meter, recipe.origin.epoch)) for layer in image.layers]
        config = _configuration(image, recipe, [layer.digest for layer in layers])
        blobs.finish(config, layers, said=recipe.described())


def _configuration(image: PackedImage, recipe: Recipe, diff_ids: list[str]) -> dict[str, Any]:
    created = timestamp(recipe.origin.epoch)
    settings = {key: value for key, value in image.settings.items() if key not in OWN}
    config = {**(settings.get("config") or {}), "Hostname": "", "Domainname": "", "Image": ""}
    return {
        **settings,
        "created": created,
        "config": config,
        "history": [{**entry, "created": created} for entry in settings.get("history") or []],
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }


def _dated(image: PackedImage, layer: Layer, meter: Meter, epoch: int) -> Iterator[bytes]:
    """Yield a layer with no time later than the given one; all else of its members stays."""
    source = _Pieces(unpacked(image.members, layer, meter))
    written = _Written()
    try:
        with (
            tarfile.open(fileobj=source, mode="r|") as old,
            tarfile.open(fileobj=written, mode="w|", format=tarfile.PAX_FORMAT) as new,
        ):
            for member in old:
                member.mtime = min(int(member.mtime), epoch)
                kept = {k: v for k, v in member.pax_headers.items() if not k.endswith("time")}
                member.pax_headers = kept
                new.addfile(member, old.extractfile(member) if member.isreg() else None)
                yield from written.taken()
    except tarfile.TarError as error:
        raise RampartError(
            f"A layer of {meter.place} cannot be read: {error}.", next_step="build it again"
        ) from error
    # Reading to the end is what proves the layer.
    while source.read(tarfile.RECORDSIZE):
        pass
    yield from written.taken()


class _Pieces(io.RawIOBase):
    """An iterator as a file that can be read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size and (piece := next(self._pieces, b"")):
            self._left += piece
        taken, self._left = self._left[:size], self._left[size:]
        return taken


class _Written(io.RawIOBase):
    """A file whose content is taken away as it comes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def taken(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        yield from pieces
