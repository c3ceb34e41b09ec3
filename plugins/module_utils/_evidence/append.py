# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes one record behind the last one; mends first what a killed writer left."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import retention as classes
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import StoredRecord, hash_of, seal
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.head import FILE, Head, Segment
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.keys import SigningKey
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import MOST_BYTES, Record
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.walk import (
    Broken,
    BrokenError,
    Place,
    segment_path,
    years_on_disk,
)

# A record with its place and signature, and the end of the line before it.
LONGEST_LINE = 2 * MOST_BYTES


class Appender:
    """Works under the store's exclusive lock, and looks at the ends of the chains only."""

    def __init__(self, folder: Path, head: Head | None, key: SigningKey) -> None:
        self._folder = folder
        self._head = head or Head()
        self._key = key
        self._adopted = 0

    def append(self, record: Record) -> StoredRecord:
        """Mend, write the line, then the head; a kill in between is mended by the next append."""
        for retention in classes.YEARS:
            self._mend(retention)
        if self._adopted:
            self._head.write(self._folder, self._key)
        end = self._head.end(record.retention)
        # A clock that was set back does not make an older segment grow again.
        year = max(record.moment.year, end.year)
        stored, line = seal(record, end.last + 1, end.hash, self._key)
        size = self._write(segment_path(self._folder, record.retention, year), line)
        self._head.with_record(stored, year, size).write(self._folder, self._key)
        return stored

    def _mend(self, retention: str) -> None:
        """Enter into the head what was written whole, set aside what was not."""
        end = self._head.end(retention)
        years = years_on_disk(self._folder, retention)
        if end.year and end.year not in years and datetime.now(UTC) < classes.end_of(retention, end.year):
            raise BrokenError(Broken(retention, end.last, f"{end.year}.jsonl is missing"))
        for year in years:
            if year >= end.year:
                path = segment_path(self._folder, retention, year)
                known = end.bytes if year == end.year else 0
                with path.open("rb") as file:
                    self._check_end(retention, file.seek(0, os.SEEK_END), end, known)
                    file.seek(known)
                    tail = file.read()
                    if known:
                        self._check_last(retention, path, end)
                if tail:
                    self._take_in(retention, year, path, known, tail)

    def _check_end(self, retention: str, size: int, end: Segment, known: int) -> None:
        if size < known:
            problem = f"{FILE} says that its file reaches to byte {known}, and it ends at {size}"
            raise BrokenError(Broken(retention, end.last, problem))

    def _check_last(self, retention: str, path: Path, end: Segment) -> None:
        """Hold the last line that the head knows against its hash."""
        with path.open("rb") as file:
            start = max(0, end.bytes - LONGEST_LINE)
            file.seek(start)
            line = file.read(end.bytes - start).removesuffix(b"\n").rpartition(b"\n")[2]
        if hash_of(line) != end.hash:
            raise BrokenError(Broken(retention, end.last, f"it is not the record that {FILE} names"))

    def _take_in(self, retention: str, year: int, path: Path, known: int, tail: bytes) -> None:
        *lines, torn = tail.split(b"\n")
        size = known
        for line in lines:
            end = self._head.end(retention)
            place = Place(retention, end.last + 1, end.hash)
            stored = place.take(line, self._key.public, signatures=True)
            self._adopted += 1
            if self._adopted > 1:
                problem = f"{FILE} does not know it: an older head was put back, or it was"
                raise BrokenError(Broken(retention, stored.sequence, problem, stored.record.gate))
            size += len(line) + 1
            self._head = self._head.with_record(stored, year, size)
        if torn:
            self._set_aside(path, self._head.end(retention).last + 1, torn)
            with path.open("r+b") as file:
                file.truncate(size)
                os.fsync(file.fileno())

    def _set_aside(self, path: Path, sequence: int, torn: bytes) -> None:
        taken = len(list(path.parent.glob(f"{path.stem}.torn-{sequence}-*")))
        write_atomic(path.with_name(f"{path.stem}.torn-{sequence}-{taken + 1}"), torn)

    def _write(self, path: Path, line: bytes) -> int:
        """Append a line and return the size of the file; a line that did not fit is taken back."""
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(path, flags, 0o600)
            try:
                before = os.fstat(handle).st_size
                try:
                    written = 0
                    while written < len(line):
                        written += os.write(handle, line[written:])
                    os.fsync(handle)
                except OSError:
                    os.ftruncate(handle, before)
                    raise
            finally:
                os.close(handle)
            if not before:
                folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as error:
            raise RampartError(
                f"Evidence could not be written to {path}: {error.strerror}.",
                next_step="free space or make the folder writable, then run again",
                path=str(path),
            ) from error
        return before + len(line)
