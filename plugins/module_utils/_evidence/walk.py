# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads chains in order and stops at the first record that is not where and what it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._evidence import retention as classes
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import (
    BadLineError,
    StoredRecord,
    hash_of,
    read_bond,
    read_line,
)
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.head import FILE, Head
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.keys import PublicKey

UNBOUND = "the record before it is not the one that it was bound to"
_SEGMENT = re.compile(r"(\d{4})\.jsonl")


def segment_path(folder: Path, retention: str, year: int) -> Path:
    """Return the file that holds a year of a chain."""
    return folder / retention / f"{year}.jsonl"


def years_on_disk(folder: Path, retention: str) -> list[int]:
    """Return the years of a chain that have a file."""
    names = (_SEGMENT.fullmatch(path.name) for path in (folder / retention).glob("*.jsonl"))
    return sorted(int(name.group(1)) for name in names if name)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first record that is not as it was written, and what is wrong."""

    chain: str
    sequence: int
    problem: str
    gate: str = ""
    subject: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "record": f"{self.chain}:{self.sequence}" if self.chain else "",
            "sequence": self.sequence,
            "gate": self.gate,
            "subject": self.subject,
            "problem": self.problem,
        }

    def __str__(self) -> str:
        if not self.chain:
            return self.problem
        about = f" ({self.gate or 'an unknown gate'} on {self.subject or 'an unknown subject'})"
        return (
            f"record {self.chain}:{self.sequence}{about if self.gate or self.subject else ''}: {self.problem}"
        )


class BrokenError(Exception):
    """Ends a walk."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(str(broken))
        self.broken = broken


@dataclass(frozen=True, slots=True)
class Link:
    """A line in its place, of which nothing more was read."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next record belongs."""

    chain: str
    sequence: int
    previous: str

    def after(self, one: Link | StoredRecord) -> Place:
        """Return the place behind a record."""
        return Place(self.chain, one.sequence + 1, one.hash)

    def pass_by(self, line: bytes, key: PublicKey) -> Link:
        """See that a line is bound to the one before; raises BrokenError when it is not."""
        try:
            named, previous = read_bond(line)
        except BadLineError as error:
            raise BrokenError(Broken(self.chain, self.sequence, error.problem)) from error
        if named != key.id or previous != self.previous:
            raise BrokenError(Broken(self.chain, self.sequence, UNBOUND))
        return Link(self.sequence, hash_of(line))

    def take(self, line: bytes, key: PublicKey, *, signatures: bool) -> StoredRecord:
        """Read the record that stands here; raises BrokenError when another does."""
        try:
            stored = read_line(line)
        except BadLineError as error:
            broken = Broken(self.chain, self.sequence, error.problem, error.gate, error.subject)
            raise BrokenError(broken) from error
        problem = ""
        if stored.key != key.id:
            problem = "it was signed with another key than the store's"
        elif signatures and not stored.signed_by(key):
            problem = "its signature does not fit its content"
        elif stored.record.retention != self.chain:
            problem = f"it belongs to the chain {stored.record.retention}"
        elif stored.sequence < self.sequence:
            problem = f"record {stored.sequence} stands here once more"
        elif stored.sequence > self.sequence:
            problem = f"it is missing: record {stored.sequence} stands in its place"
        elif stored.previous != self.previous:
            problem = UNBOUND
        if problem:
            gate, subject = stored.record.gate, stored.record.subject.name
            raise BrokenError(Broken(self.chain, self.sequence, problem, gate, subject))
        return stored


def _broken(stored: StoredRecord, problem: str) -> BrokenError:
    """Name a record that stands in its place and is wrong all the same."""
    record = stored.record
    return BrokenError(
        Broken(str(record.retention), stored.sequence, problem, record.gate, record.subject.name)
    )


def _not_the_last(place: Place, one: Link | StoredRecord) -> BrokenError:
    problem = f"it is not the record that {FILE} names as the last one"
    if isinstance(one, StoredRecord):
        return _broken(one, problem)
    return BrokenError(Broken(place.chain, place.sequence, problem))


class Walk:
    """One walk over a store, whose head was read and found good."""

    def __init__(self, folder: Path, head: Head | None, key: PublicKey, *, now: datetime) -> None:
        self._folder = folder
        self._head = head or Head()
        self._key = key
        self._now = now
        # Whole records that a killed writer could not enter into the head; one at most.
        self._beyond = 0
        # What a killed writer left of a record, in words.
        self.torn: list[str] = []

    def records(self) -> Iterator[StoredRecord]:
        """Yield all records of all chains, each with its signature, and proved to stand in its place."""
        for retention in classes.YEARS:
            yield from self._chain(retention, b"")

    def mentioning(self, text: str) -> Iterator[StoredRecord]:
        """Yield the records in which a text stands.

        The head's signature covers each chain's last hash, and so all that it binds: a chain is proved by its
        hashes alone, and of what lies between nothing else has to be read.
        """
        for retention in classes.YEARS:
            yield from self._chain(retention, canonical(text))

    def _read(self, place: Place, line: bytes, needle: bytes) -> Link | StoredRecord:
        if needle and needle not in line:
            return place.pass_by(line, self._key)
        return place.take(line, self._key, signatures=not needle)

    def _chain(self, retention: str, needle: bytes) -> Iterator[StoredRecord]:
        segments = self._head.chains.get(retention, ())
        end = self._head.end(retention)
        place = Place(retention, segments[0].first if segments else 1, Head().end(retention).hash)
        for segment in segments:
            path = segment_path(self._folder, retention, segment.year)
            if not path.exists() and self._now >= classes.end_of(retention, segment.year):
                place = Place(retention, segment.last + 1, segment.hash)
                continue
            for line in self._lines(path, place):
                if place.sequence > segment.last:
                    one: Link | StoredRecord = self._beyond_head(place, line, possible=segment is end)
                else:
                    one = self._read(place, line, needle)
                    if one.sequence == segment.last and one.hash != segment.hash:
                        raise _not_the_last(place, one)
                place = place.after(one)
                if isinstance(one, StoredRecord):
                    yield one
            if place.sequence <= segment.last:
                missing = f"it is missing: {FILE} says that the year {segment.year} ends with {segment.last}"
                raise BrokenError(Broken(retention, place.sequence, missing))
        known = {segment.year for segment in segments}
        for year in years_on_disk(self._folder, retention):
            if year in known:
                continue
            for line in self._lines(segment_path(self._folder, retention, year), place):
                stored = self._beyond_head(place, line, possible=year > end.year)
                place = place.after(stored)
                yield stored

    def _beyond_head(self, place: Place, line: bytes, *, possible: bool) -> StoredRecord:
        """Read a record that the head does not know; only its own signature vouches for it."""
        self._beyond += 1
        stored = place.take(line, self._key, signatures=True)
        if not possible or self._beyond > 1:
            raise _broken(stored, f"{FILE} does not know it: an older head was put back, or it was")
        return stored

    def _lines(self, path: Path, place: Place) -> list[bytes]:
        """Return the whole lines of a file, the first of which belongs to this place."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            broken = Broken(place.chain, place.sequence, f"{path.name} cannot be read: {error.strerror}")
            raise BrokenError(broken) from error
        *lines, rest = content.split(b"\n")
        if rest:
            last = place.sequence + len(lines) - 1
            self.torn.append(
                f"{place.chain}/{path.name}: {len(rest)} bytes after record {last} are no whole line; "
                "a writer was killed there"
            )
        return lines
