# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Turns entries into one tar stream that is the same for the same input on every machine.

The layer is not compressed: the output of gzip depends on the version of zlib, so that the same
files would get another digest elsewhere, and on a loopback registry it costs more time than it saves.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import leftovers, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Entry

CHUNK = 1024 * 1024
END_OF_ARCHIVE = b"\0" * (2 * tarfile.BLOCKSIZE)

# A file written this shortly before it was read could be written again within the same tick of its clock.
SETTLED_NANOSECONDS = 2_000_000_000

TYPES = {"file": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "folder": tarfile.DIRTYPE}


class MissingSourceError(Exception):
    """A file of an image is not there (yet)."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Content by its digest and its size."""

    digest: str
    size: int


def _trouble(entry: Entry, why: str) -> RampartError:
    return RampartError(
        f"Could not read {entry.source} for {entry.path}: {why}.",
        next_step="correct the path or its permissions, then run again",
        path=str(entry.source),
    )


def _stat(entry: Entry) -> os.stat_result:
    try:
        status = Path(entry.source or "").stat()
    except FileNotFoundError as error:
        raise MissingSourceError(str(entry.source)) from error
    except OSError as error:
        raise _trouble(entry, str(error.strerror)) from error
    if not stat.S_ISREG(status.st_mode):
        raise _trouble(entry, "it is not a file")
    return status


def _header(entry: Entry, size: int, epoch: int) -> bytes:
    info = tarfile.TarInfo(entry.path.lstrip("/"))
    info.type = TYPES[entry.kind]
    info.mode = 0o777 if entry.link else entry.mode
    info.linkname = entry.link
    info.mtime = epoch
    info.size = size
    return info.tobuf(format=tarfile.PAX_FORMAT, encoding="utf-8", errors="strict")


def _content(entry: Entry, size: int) -> Iterator[bytes]:
    left = size
    try:
        with Path(entry.source or "").open("rb") as stream:
            while left and (piece := stream.read(min(CHUNK, left))):
                left -= len(piece)
                yield piece
            if left or stream.read(1):
                raise _trouble(entry, "its size changed while it was read")
    except OSError as error:
        raise _trouble(entry, str(error.strerror)) from error
    yield b"\0" * (-size % tarfile.BLOCKSIZE)


def stream_layer(entries: Sequence[Entry], epoch: int) -> Iterator[bytes]:
    """Yield the layer piece by piece."""
    for entry in entries:
        if entry.source is None:
            yield _header(entry, 0, epoch)
            continue
        size = _stat(entry).st_size
        yield _header(entry, size, epoch)
        yield from _content(entry, size)
    yield END_OF_ARCHIVE


def measured_layer(entries: Sequence[Entry], epoch: int, expected: Blob) -> Iterator[bytes]:
    """Yield the layer again and refuse at its end when it is not the one that was measured before."""
    digest = hashlib.sha256()
    for piece in stream_layer(entries, epoch):
        digest.update(piece)
        yield piece
    if f"sha256:{digest.hexdigest()}" != expected.digest:
        sources = ", ".join(str(entry.source) for entry in entries if entry.source)
        raise RampartError(
            f"One of {sources} changed while it was read.",
            next_step="wait until whoever writes it has finished, then run again",
        )


def _identity(entries: Sequence[Entry], epoch: int) -> str:
    """Name exactly these files as the kernel knows them, without reading them."""
    rows: list[Any] = [epoch]
    for entry in entries:
        row: list[Any] = [entry.kind, entry.path, entry.mode, entry.link]
        if entry.source is not None:
            status = _stat(entry)
            row += [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        rows.append(row)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _settled(entries: Sequence[Entry]) -> bool:
    newest = max((_stat(entry).st_ctime_ns for entry in entries if entry.source is not None), default=0)
    return time.time_ns() - newest > SETTLED_NANOSECONDS


@dataclass(slots=True)
class Digests:
    """Digests of layers, remembered so that unchanged files are not read again.

    Like git's index it trusts a file with the same inode, size, change time and modification time.
    It is no part of what is wanted, so it is written whenever it may be, also when nothing changes.
    """

    path: Path | None
    writable: bool = True
    _known: dict[str, list[Any]] = field(default_factory=dict)
    _used: dict[str, list[Any]] = field(default_factory=dict)

    def load(self) -> None:
        if self.path is None:
            return
        try:
            known = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            # It only saves time; without it everything is read.
            return
        if isinstance(known, dict):
            self._known = known

    def layer(self, entries: Sequence[Entry], epoch: int) -> Blob:
        """Return the layer's digest and size, by reading it when need be."""
        identity = _identity(entries, epoch)
        match self._known.get(identity):
            case [str() as digest, int() as size]:
                blob = Blob(digest, size)
            case _:
                blob = measure(stream_layer(entries, epoch))
        if _settled(entries) and _identity(entries, epoch) == identity:
            self._used[identity] = [blob.digest, blob.size]
        return blob

    def save(self) -> None:
        if self.path is not None and self.writable and self._used != self._known:
            for leftover in leftovers(self.path):
                leftover.unlink(missing_ok=True)
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(self.path, json.dumps(self._used, sort_keys=True).encode())


def measure(pieces: Iterator[bytes]) -> Blob:
    """Hash a stream."""
    digest = hashlib.sha256()
    size = 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return Blob(f"sha256:{digest.hexdigest()}", size)
