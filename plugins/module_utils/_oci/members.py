# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The files of an image as somebody else packed them: listed, read and hashed, and never unpacked.

Nothing of an archive decides where something lands, since nothing lands anywhere. What is not a
plain file with a name that an image has is refused with the name of the rule.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.tar_walk import (
    BLOCK,
    Header,
    TarWalk,
    TarWalkError,
)

CHUNK = 1024 * 1024
# An image has at most 127 layers, and three files of each in the oldest format.
MOST_MEMBERS = 10_000
LARGEST_DOCUMENT = 16 * 1024 * 1024

_HEX = r"[0-9a-f]{64}"
# As docker, containerd, crane, skopeo and buildah name them.
_NAMES = re.compile(
    rf"manifest\.json|repositories|index\.json|oci-layout|version|blobs(?:/sha256(?:/{_HEX})?)?"
    rf"|(?:sha256:)?{_HEX}(?:\.json|\.tar|\.tar\.gz|/layer\.tar|/json|/VERSION)?"
)


class Members(Protocol):
    """Where the parts of an image are read from."""

    @property
    def place(self) -> str:
        """Name it for a person."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the content of a file."""

    def size(self, name: str) -> int:
        """Say how many bytes a file has."""

    def passing(self, names: Iterable[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Yield the content of several files, in the order in which they go by; each is read to its end."""

    def identity(self) -> str:
        """Name exactly these bytes as the kernel knows them, without reading them."""


def refuse(place: str, rule: str, why: str) -> RampartError:
    """Word a refusal."""
    return RampartError(
        f"The image in {place} is refused (rule {rule}): {why}. Nothing of it is used.",
        next_step="find out who made it, and get it from its source again",
        rule=rule,
    )


def _unreadable(place: Path, error: OSError) -> RampartError:
    return RampartError(
        f"Could not read {place}: {error.strerror}.",
        next_step="correct the path or its permissions",
        path=str(place),
    )


def read(members: Members, name: str, limit: int = LARGEST_DOCUMENT) -> bytes:
    """Read a document, which has a bound: layers are never read whole."""
    if not members.has(name):
        raise refuse(members.place, "missing", f"it does not hold {name}")
    content = bytearray()
    for piece in members.chunks(name):
        content += piece
        if len(content) > limit:
            raise refuse(members.place, "size", f"{name} has more than {limit} bytes")
    return bytes(content)


def _status(status: os.stat_result) -> str:
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def listed(headers: Iterable[Header]) -> dict[str, Header]:
    """Go through an archive and return its files; what no image holds raises TarWalkError."""
    files: dict[str, Header] = {}
    links: dict[str, str] = {}
    for count, header in enumerate(headers, start=1):
        name = header.name.removeprefix("./").rstrip("/")
        if count > MOST_MEMBERS:
            raise TarWalkError("members", f"it has more than {MOST_MEMBERS} members")
        if header.type == b"5" and name in ("", "."):
            continue
        if not _NAMES.fullmatch(name):
            raise TarWalkError("name", f"{header.name[:200]!r} is no file of an image")
        if name in files or name in links:
            raise TarWalkError("twice", f"{name} stands in it twice")
        if header.is_file:
            files[name] = header
        elif header.type == b"2":
            # docker writes a layer that an image has twice as a link to its first copy.
            links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), header.link))
        elif header.type != b"5":
            raise TarWalkError("type", f"{name} is neither a file nor a folder")
    for name, target in links.items():
        if target not in files:
            raise TarWalkError("link", f"{name} leads out of the archive, or to what is no file")
        files[name] = files[target]
    if not files:
        raise TarWalkError("whole", "it holds no file")
    return files


class TarMembers:
    """An archive on disk; it is listed once and read where it lies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # Kept open: a file put in its place later is another one.
            self._handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(path, error) from error
        self._status = os.fstat(self._handle)
        if not stat.S_ISREG(self._status.st_mode):
            os.close(self._handle)
            raise refuse(str(path), "type", "it is not a plain file")
        try:
            self._files = listed(self._headers())
        except TarWalkError as error:
            os.close(self._handle)
            raise refuse(str(path), error.rule, error.why) from error
        except BaseException:
            os.close(self._handle)
            raise

    @property
    def place(self) -> str:
        return str(self._path)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def identity(self) -> str:
        return _status(self._status)

    def has(self, name: str) -> bool:
        return name in self._files

    def size(self, name: str) -> int:
        return self._files[name].size

    def passing(self, names: Iterable[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        for name in names:
            yield name, self.chunks(name)

    def chunks(self, name: str) -> Iterator[bytes]:
        header = self._files[name]
        offset, left = header.offset, header.size
        while left:
            piece = os.pread(self._handle, min(CHUNK, left), offset)
            if not piece:
                raise refuse(self.place, "whole", f"{name} is cut off")
            offset, left = offset + len(piece), left - len(piece)
            yield piece

    def _headers(self) -> Iterator[Header]:
        walk, position = TarWalk(), 0
        while block := os.pread(self._handle, BLOCK, position):
            position += len(block)
            yield from walk.feed(block)
            if walk.ended:
                return
            position += walk.pass_over()
            if position > self._status.st_size:
                raise TarWalkError("whole", "it is cut off")


class FolderMembers:
    """A folder in the OCI image layout."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_dir():
            raise RampartError(f"{path} is not a folder.", next_step="give the folder that holds index.json")

    @property
    def place(self) -> str:
        return str(self._path)

    def path(self, name: str) -> Path:
        return self._path / name

    def identity(self) -> str:
        parts = []
        for folder, _folders, names in os.walk(self._path):
            parts += [f"{name}={_status(os.lstat(os.path.join(folder, name)))}" for name in names]
        return hashlib.sha256("\n".join(sorted(parts)).encode(errors="surrogateescape")).hexdigest()

    def has(self, name: str) -> bool:
        try:
            return bool(_NAMES.fullmatch(name)) and stat.S_ISREG(os.lstat(self._path / name).st_mode)
        except OSError:
            return False

    def size(self, name: str) -> int:
        return os.lstat(self._path / name).st_size

    def passing(self, names: Iterable[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        for name in names:
            yield name, self.chunks(name)

    def chunks(self, name: str) -> Iterator[bytes]:
        if not _NAMES.fullmatch(name):
            raise refuse(self.place, "name", f"{name[:200]!r} is no file of an image")
        try:
            handle = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise refuse(self.place, "type", f"{name} cannot be read as a file ({error.strerror})") from error
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise refuse(self.place, "type", f"{name} is not a plain file")
            while piece := stream.read(CHUNK):
                yield piece
