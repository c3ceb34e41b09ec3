# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads Debian packages without dpkg, and without letting them decide where a file lands."""

from __future__ import annotations

import io
import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

MAGIC = b"!<arch>\n"
HEADER = 60
# What a package says of itself is small; anything else is not read into memory.
LARGEST_CONTROL = 16 * 1024 * 1024


def broken(file: Path, why: str) -> RampartError:
    """Word a refusal."""
    return RampartError(
        f"{file} is not a whole Debian package: {why}.",
        next_step="remove the file, then run again: it is fetched anew",
        path=str(file),
    )


def _parts(file: Path, stream: IO[bytes]) -> Iterator[tuple[str, int]]:
    """Yield name and size of each member of the archive, with the stream at its beginning."""
    if stream.read(len(MAGIC)) != MAGIC:
        raise broken(file, "it does not begin as one")
    position, end = len(MAGIC), file.stat().st_size
    while header := stream.read(HEADER):
        try:
            name, size = header[:16].decode().rstrip(" /"), int(header[48:58])
        except ValueError as error:
            raise broken(file, "the head of a member cannot be read") from error
        if len(header) < HEADER or header[58:] != b"`\n":
            raise broken(file, "the head of a member is cut off")
        if position + HEADER + size > end:
            raise broken(file, f"{name} is cut off")
        yield name, size
        position += HEADER + size + size % 2
        stream.seek(position)


class _Window(io.RawIOBase):
    """One member of the archive as a stream that ends with it."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece


@contextmanager
def opened(file: Path, name: str) -> Iterator[tarfile.TarFile]:
    """Open one of the two archives in a package: control or data."""
    try:
        with file.open("rb") as stream:
            for member, size in _parts(file, stream):
                if member.partition(".")[0] == name and member.partition(".")[2].startswith("tar"):
                    with tarfile.open(fileobj=_Window(stream, size), mode=_mode(file, member)) as archive:
                        yield archive
                    return
            raise broken(file, f"it has no {name}.tar")
    except (OSError, EOFError, tarfile.TarError, lzma.LZMAError, zlib.error) as error:
        raise broken(file, str(error) or type(error).__name__) from error


def _mode(file: Path, member: str) -> Literal["r|", "r|gz", "r|xz"]:
    match posixpath.splitext(member)[1]:
        case ".tar":
            return "r|"
        case ".gz":
            return "r|gz"
        case ".xz":
            return "r|xz"
    raise broken(file, f"{member} is packed in a way that cannot be read here")


def control(file: Path) -> str:
    """Return what the package says of itself."""
    with opened(file, "control") as archive:
        for member in archive:
            if posixpath.normpath(member.name) == "control" and member.size <= LARGEST_CONTROL:
                content = archive.extractfile(member)
                if content is not None:
                    return content.read().decode(errors="replace")
    raise broken(file, "it has no control file")
