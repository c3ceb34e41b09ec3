# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes an image as one plain archive for every scanner, and proves each layer while it goes by."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import END_OF_ARCHIVE
from ansible_collections.rampart.k8s.plugins.module_utils._images.members import CHUNK, refuse
from ansible_collections.rampart.k8s.plugins.module_utils._images.reading import (
    DOCKER_LISTING,
    PackedImage,
)
from ansible_collections.rampart.k8s.plugins.module_utils._images.tar_walk import TarWalk, TarWalkError

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an image may become when it is unpacked."""

    total: int = 32 * 1024**3
    files: int = 2_000_000
    # Compression of real files stays far below; a bomb comes close to deflate's limit of 1032.
    ratio: int = 400
    # Below this a ratio means nothing.
    ratio_from: int = 64 * 1024**2


class _Meter:
    def __init__(self, image: PackedImage, limits: Limits) -> None:
        self.place = image.members.place
        self.limits = limits
        self.total = 0
        self.files = 0

    def add(self, size: int) -> None:
        self.total += size
        if self.total > self.limits.total:
            raise refuse(self.place, "size", f"it unpacks to more than {self.limits.total} bytes")

    def member(self, name: str) -> None:
        self.files += 1
        if self.files > self.limits.files:
            raise refuse(self.place, "members", f"its layers hold more than {self.limits.files} files")
        if name.startswith("/") or ".." in name.split("/"):
            raise refuse(
                self.place, "place", f"a layer holds {name[:200]!r}, which lies outside of the image"
            )


def _unpacked(image: PackedImage, file: str, limits: Limits) -> Iterator[bytes]:
    """Yield a layer's bytes without its compression."""
    source = image.members.chunks(file)
    first = next(source, b"")
    if first.startswith(ZSTD):
        raise RampartError(
            f"A layer of {image.members.place} is compressed with zstd, which cannot be read here.",
            next_step="save the image with gzip layers, as docker and crane do by default",
        )
    if not first.startswith(GZIP):
        yield first
        yield from source
        return
    taken, given = 0, 0
    inflate = zlib.decompressobj(wbits=31)
    piece: bytes | None = first
    while piece is not None:
        taken += len(piece)
        while piece:
            try:
                out = inflate.decompress(piece, CHUNK)
            except zlib.error as error:
                raise refuse(image.members.place, "whole", "a layer cannot be unpacked") from error
            given += len(out)
            if given > limits.ratio_from and given > taken * limits.ratio:
                raise refuse(
                    image.members.place, "ratio", f"a layer unpacks to over {limits.ratio} times its size"
                )
            yield out
            piece = inflate.unconsumed_tail
            if inflate.eof:
                # A file may consist of several compressed parts.
                piece, inflate = inflate.unused_data, zlib.decompressobj(wbits=31)
        piece = next(source, None)


def repack(image: PackedImage, target: Path, limits: Limits | None = None) -> int:
    """Write the archive to a new file and return the size of the unpacked layers.

    Raises RampartError when a layer is not the one that the configuration names, and for whatever
    no image should hold. A scanner is only ever shown the file that this wrote.
    """
    bounds = limits or Limits()
    meter = _Meter(image, bounds)
    names = []
    try:
        with target.open("xb") as stream:
            target.chmod(0o600)
            for digest, file in image.layers:
                name = f"{digest.partition(':')[2]}/layer.tar"
                if name not in names:
                    _layer(image, digest, file, stream, meter)
                names.append(name)
            config = f"{image.digest.partition(':')[2]}.json"
            _member(stream, config, image.config)
            listing = [{"Config": config, "RepoTags": None, "Layers": names}]
            _member(stream, DOCKER_LISTING, json.dumps(listing).encode())
            stream.write(END_OF_ARCHIVE)
    except OSError as error:
        raise RampartError(
            f"Could not write {target}: {error.strerror}.",
            next_step="free space in the cache folder, or choose another one",
        ) from error
    return meter.total


def _info(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(format=tarfile.GNU_FORMAT)


def _member(stream: IO[bytes], name: str, content: bytes) -> None:
    stream.write(_info(name, len(content)) + content + b"\0" * (-len(content) % tarfile.BLOCKSIZE))


def _layer(image: PackedImage, digest: str, file: str, stream: IO[bytes], meter: _Meter) -> None:
    name = f"{digest.partition(':')[2]}/layer.tar"
    start = stream.tell()
    # Its size is known at its end; the header is written then.
    stream.write(b"\0" * tarfile.BLOCKSIZE)
    hashed, walk, size = hashlib.sha256(), TarWalk(), 0
    for piece in _unpacked(image, file, meter.limits):
        size += len(piece)
        meter.add(len(piece))
        hashed.update(piece)
        stream.write(piece)
        try:
            for header in walk.feed(piece):
                meter.member(header.name)
        except TarWalkError as error:
            raise refuse(image.members.place, error.rule, f"a layer: {error.why}") from error
    if f"sha256:{hashed.hexdigest()}" != digest:
        raise refuse(image.members.place, "digest", f"the layer {digest} is not what its digest says")
    stream.write(b"\0" * (-size % tarfile.BLOCKSIZE))
    end = stream.tell()
    stream.seek(start)
    stream.write(_info(name, size))
    stream.seek(end)
