# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The evidence store: one folder, append-only, hash-chained and signed; readable without its private key.

::

    <folder>/signing.key            0600, signs
    <folder>/signing.pub            all that verification needs besides the records
    <folder>/head.json              signed: where each chain ends
    <folder>/<class>/<year>.jsonl   one record a line; may be deleted when its class has ended
    <folder>/<class>/<year>.torn-*  what a killed writer left, kept
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.append import Appender
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import StoredRecord
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.head import FILE, BadHeadError, Head
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.keys import (
    PRIVATE,
    PUBLIC,
    PublicKey,
    SigningKey,
)
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.walk import Broken, BrokenError, Walk

# A writer holds the store for milliseconds; one that is stopped must not hold up everybody for ever.
PATIENCE = 30.0
PAUSE = 0.01

# What clocks of machines that share a store may differ by.
SKEW = timedelta(minutes=1)


class BrokenChainError(RampartError):
    """The store is not what was written; nothing in it may be relied upon."""

    def __init__(self, folder: Path, broken: Broken) -> None:
        super().__init__(
            f"The evidence store {folder} is broken: {broken}.",
            next_step="keep the folder as it is to find out who changed it, and move it aside: the next run "
            "begins a new store and proves everything afresh",
            evidence=broken.as_data(),
        )
        self.broken = broken


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What verification found. ``heads`` may be noted elsewhere, to see later that nothing was put back."""

    records: tuple[StoredRecord, ...]
    broken: Broken | None
    torn: tuple[str, ...]
    heads: dict[str, StoredRecord]

    @property
    def valid(self) -> bool:
        """Whether every record is as it was written and none is missing."""
        return self.broken is None

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, without the records."""
        by_time = sorted(self.records, key=lambda stored: stored.record.time)
        return {
            "valid": self.valid,
            "records": len(self.records),
            "first": _named(by_time[0]) if by_time else {},
            "last": _named(by_time[-1]) if by_time else {},
            "heads": {name: _named(stored) for name, stored in self.heads.items()},
            "broken": self.broken.as_data() if self.broken else {},
            "torn": list(self.torn),
        }


def _named(stored: StoredRecord) -> dict[str, str]:
    return {"record": stored.id, "time": stored.record.time, "hash": stored.hash}


class EvidenceStore:
    """Appends, looks up and verifies.

    ``signing_key`` and ``public_key`` name files outside of the folder; without them the store's own
    are used, and made by the first append.
    """

    def __init__(
        self,
        directory: str | Path,
        signing_key: str | Path | None = None,
        *,
        public_key: str | Path | None = None,
    ) -> None:
        self.folder = Path(directory)
        self._signing = Path(signing_key) if signing_key else self.folder / PRIVATE
        self._own_key = signing_key is None
        self._public = Path(public_key) if public_key else self.folder / PUBLIC

    def append(self, record: Record) -> StoredRecord:
        """Add a record behind all others, on the disk before this returns."""
        complete = record.complete()
        self._make_folder()
        with self._locked(fcntl.LOCK_EX):
            key = self._signing_key()
            try:
                return Appender(self.folder, self._head(key.public), key).append(complete)
            except BrokenError as error:
                raise BrokenChainError(self.folder, error.broken) from error

    def latest(
        self,
        gate: str,
        subject_digest: str,
        policy: str | None = None,
        max_age: timedelta | None = None,
    ) -> StoredRecord | None:
        """Return the newest record of a gate on a subject, whatever its verdict; None when there is none.

        Every chain is verified on the way; BrokenChainError when any is broken. A record from the
        future is none: how old it is cannot be said.
        """
        if not (self.folder / FILE).exists() and not self._public.exists():
            return None
        found: StoredRecord | None = None
        with self._locked(fcntl.LOCK_SH):
            key = PublicKey.read(self._public)
            try:
                walk = Walk(self.folder, self._head(key), key, now=datetime.now(UTC))
                for stored in walk.mentioning(subject_digest):
                    record = stored.record
                    if record.gate == gate and record.subject.digest == subject_digest:
                        found = stored if policy is None or record.policy == policy else found
            except BrokenError as error:
                # Looking at the signatures too tells better what was done to it.
                raise BrokenChainError(self.folder, self._report(key).broken or error.broken) from error
        if found is None:
            return None
        if not found.signed_by(key):
            raise BrokenChainError(self.folder, self._report(key).broken or _unsigned(found))
        age = datetime.now(UTC) - found.record.moment
        if max_age is not None and not -SKEW <= age <= max_age:
            return None
        return found

    def verify(self) -> ChainReport:
        """Check every record, its place and its signature; needs the public key only."""
        with self._locked(fcntl.LOCK_SH):
            return self._report(PublicKey.read(self._public))

    def _report(self, key: PublicKey) -> ChainReport:
        records: list[StoredRecord] = []
        broken: Broken | None = None
        torn: list[str] = [
            f"{path.parent.name}/{path.name}: set aside" for path in sorted(self.folder.glob("*/*.torn-*"))
        ]
        try:
            walk = Walk(self.folder, self._head(key), key, now=datetime.now(UTC))
            try:
                records.extend(walk.records())
            finally:
                torn += walk.torn
        except BrokenError as error:
            broken = error.broken
        heads = {str(stored.record.retention): stored for stored in records}
        return ChainReport(tuple(records), broken, tuple(torn), heads)

    def _head(self, key: PublicKey) -> Head | None:
        try:
            return Head.read(self.folder, key)
        except BadHeadError as error:
            raise BrokenError(Broken("", 0, str(error))) from error

    def _signing_key(self) -> SigningKey:
        if self._own_key and not self._signing.exists() and not (self.folder / FILE).exists():
            key = SigningKey.create(self._signing)
        else:
            key = SigningKey.read(self._signing)
        if not self._public.exists():
            key.publish(self._public)
        elif PublicKey.read(self._public).id != key.public.id:
            raise RampartError(
                f"The signing key {self._signing} does not belong to the public key {self._public}.",
                next_step="give back the key that belongs to it, or move the store aside to begin a new one",
            )
        return key

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RampartError(
                f"The evidence store {self.folder} cannot be made: {error.strerror}.",
                next_step="set evidence_dir to a folder that this user can write",
            ) from error

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the folder itself: it can be locked even where nothing may be written."""
        try:
            handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise RampartError(
                f"The evidence store {self.folder} cannot be opened: {error.strerror}.",
                next_step="set evidence_dir to the folder that holds the evidence",
            ) from error
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    fcntl.flock(handle, how | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > deadline:
                        raise RampartError(
                            f"Another process has held the evidence store {self.folder} for {PATIENCE:g} s.",
                            next_step="find it (fuser on the folder) and end or continue it, then run again",
                        ) from error
                    time.sleep(PAUSE)
            yield
        finally:
            os.close(handle)


def _unsigned(stored: StoredRecord) -> Broken:
    record = stored.record
    problem = "its signature does not fit its content"
    return Broken(record.retention, stored.sequence, problem, record.gate, record.subject.name)
