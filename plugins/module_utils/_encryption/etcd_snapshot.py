# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads a snapshot file of etcd (``etcdctl snapshot save``): what is live in it, and what it remembers.

The file is etcd's database with a SHA-256 of it behind. The database's bucket ``key`` holds every
revision that was not compacted away, in order, deletions too.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.bolt import Bolt, NotBoltError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.protobuf import NotProtobufError, fields
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.source import Value

DIGEST_SIZE = 32
# Databases are whole pages, and no page is smaller; the digest is what is over.
SMALLEST_PAGE = 512

# A revision is 8 bytes, an underscore, and its number within the transaction; a deletion has a mark behind.
_MAIN = 8
_REVISION_SIZE = 17

# Fields of mvccpb.KeyValue.
_KEY, _VALUE = 1, 5


class _Written(NamedTuple):
    revision: int
    deleted: bool
    key: bytes
    value: bytes


class Snapshot:
    """One snapshot file, mapped into memory and never written."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        try:
            with self._path.open("rb") as stream:
                self._content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise self._failed(getattr(error, "strerror", None) or "it is empty") from error
        self._bolt = self._open()

    def _open(self) -> Bolt:
        size = len(self._content) - DIGEST_SIZE
        if size <= 0 or size % SMALLEST_PAGE:
            raise self._failed("it has no digest behind it, so nobody can tell whether it is whole")
        view = memoryview(self._content)
        if hashlib.sha256(view[:size]).digest() != view[size:]:
            raise self._failed("its digest is another one: it was changed or cut off")
        try:
            return Bolt(view[:size])
        except NotBoltError as error:
            raise self._failed(str(error)) from error

    def _failed(self, why: str) -> RampartError:
        return RampartError(
            f"Could not read the etcd snapshot {self._path}: {why}.",
            next_step="take one with 'etcdctl snapshot save', or restore the file from its backup",
            path=str(self._path),
        )

    def _written(self) -> Iterator[_Written]:
        try:
            for revision, message in self._bolt.bucket(b"key"):
                # Only these two are texts of the bytes that are wanted; the others are numbers.
                found = {n: bytes(part) for n, part in fields(message) if isinstance(part, memoryview)}
                yield _Written(
                    int.from_bytes(revision[:_MAIN], "big"),
                    len(revision) > _REVISION_SIZE,
                    found.get(_KEY, b""),
                    found.get(_VALUE, b""),
                )
        except (NotBoltError, NotProtobufError) as error:
            raise self._failed(str(error) or "an entry is no key with its value") from error

    def revision(self) -> int:
        """Return the revision of the last write."""
        return max((written.revision for written in self._written()), default=0)

    def compacted(self) -> int:
        """Return the revision up to which etcd has forgotten its history."""
        with suppress(NotBoltError):
            for name, value in self._bolt.bucket(b"meta"):
                if name == b"finishedCompactRev":
                    return int.from_bytes(value[:_MAIN], "big")
        return 0

    def values(self, prefix: bytes, revision: int) -> Iterator[Value]:
        """Yield every value under a prefix as of the last revision; no other is asked for."""
        del revision
        newest = {written.key: (written.revision, written.deleted) for written in self._written()}
        for written in self._written():
            # What was restored with a raised revision holds an entry of no key, which raises it.
            if not written.key:
                continue
            if written.key.startswith(prefix) and newest[written.key] == (written.revision, False):
                yield Value(written.key, written.value)

    def history(self, prefix: bytes, revision: int) -> Iterator[Value]:
        """Yield every value that the file holds, the live ones among them, and of deleted objects."""
        del revision
        for written in self._written():
            if not written.deleted and written.key.startswith(prefix):
                yield Value(written.key, written.value)

    def close(self) -> None:
        """Let go of the file; the kernel unmaps it with the last view of it."""
