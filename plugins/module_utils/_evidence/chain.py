# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One line of a chain: a record, bound to its place and to the line before it, and signed."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.keys import PublicKey, SigningKey
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record

FORMAT = 1

# What a chain begins with.
NOTHING = "0" * 64

# Keeps a signature over a record from being taken for one over anything else.
PURPOSE = b"rampart-evidence-record-v1\n"


class BadLineError(Exception):
    """A line that is not what was written; says what is wrong with it, and what it still tells."""

    def __init__(self, problem: str, data: Any = None) -> None:
        super().__init__(problem)
        self.problem = problem
        record = data.get("record") if isinstance(data, dict) else None
        record = record if isinstance(record, dict) else {}
        subject = record.get("subject")
        self.gate = _shown(record.get("gate"))
        self.subject = _shown(subject.get("name") if isinstance(subject, dict) else None)


def _shown(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() else ""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record in its place."""

    record: Record
    sequence: int
    previous: str
    key: str
    signature: str
    # Of its whole line; the next line holds it.
    hash: str

    @property
    def id(self) -> str:
        """What people call it: its chain and its number in it."""
        return f"{self.record.retention}:{self.sequence}"

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, for playbooks."""
        return {
            "id": self.id,
            "sequence": self.sequence,
            "hash": self.hash,
            "key": self.key,
            **self.record.as_data(),
        }

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "sequence": self.sequence,
            "previous": self.previous,
            "key": self.key,
            "record": self.record.as_data(),
        }

    def signed_by(self, key: PublicKey) -> bool:
        """Say whether the signature is that key's, over exactly this."""
        return self.key == key.id and key.signed(PURPOSE + canonical(self._content()), self.signature)


def seal(record: Record, sequence: int, previous: str, key: SigningKey) -> tuple[StoredRecord, bytes]:
    """Bind a record to its place; return it with the line to write."""
    open_record = StoredRecord(record, sequence, previous, key.public.id, "", "")
    content = open_record._content()
    signature = key.sign(PURPOSE + canonical(content))
    line = canonical({**content, "signature": signature})
    stored = StoredRecord(record, sequence, previous, key.public.id, signature, hash_of(line))
    return stored, line + b"\n"


def hash_of(line: bytes) -> str:
    """Return the hash of a line without its end."""
    return hashlib.sha256(line).hexdigest()


# The fields of a line are sorted: it begins with these, whatever its record says.
_BEGINNING = re.compile(rb'\{"format":%d,"key":"([^"\\]*)","previous":"([0-9a-f]{64})","record":' % FORMAT)


def read_bond(line: bytes) -> tuple[str, str]:
    """Read no more of a line than the key that it names and the hash that it is bound to.

    Some twenty times quicker than to read all of it, and enough to follow a chain to an end that is signed.
    """
    found = _BEGINNING.match(line)
    if not found:
        raise BadLineError("its line has not the fields of a record")
    return found[1].decode(errors="replace"), found[2].decode()


def read_line(line: bytes) -> StoredRecord:
    """Read a line without its end; its signature and its place are the caller's to check."""
    try:
        data = json.loads(line)
    except ValueError as error:
        raise BadLineError("its line is no JSON") from error
    try:
        if data["format"] != FORMAT:
            raise BadLineError("its line has a format that this version does not know", data)
        stored = StoredRecord(
            Record.of(data["record"]),
            data["sequence"],
            data["previous"],
            data["key"],
            data["signature"],
            hash_of(line),
        )
        same = canonical({**stored._content(), "signature": stored.signature}) == line
    except (AttributeError, KeyError, TypeError, ValueError, RampartError) as error:
        raise BadLineError("its line has not the fields of a record", data) from error
    if not same:
        raise BadLineError("its line is not spelled as it was written", data)
    return stored
