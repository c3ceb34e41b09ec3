# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The head of a store: where each chain ends, signed, so that a tail that was cut off is missed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import FORMAT, NOTHING, StoredRecord
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.keys import PublicKey, SigningKey

FILE = "head.json"
PURPOSE = b"rampart-evidence-head-v1\n"


class BadHeadError(Exception):
    """The head is not what was written."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A year of a chain, one file: what its last record is, and how far the file reaches."""

    year: int
    first: int
    last: int
    hash: str
    bytes: int

    def as_data(self) -> dict[str, Any]:
        return {
            "year": self.year,
            "first": self.first,
            "last": self.last,
            "hash": self.hash,
            "bytes": self.bytes,
        }


@dataclass(frozen=True, slots=True)
class Head:
    """All chains by retention class, each with its segments from the oldest on."""

    chains: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)

    def end(self, retention: str) -> Segment:
        """Return where a chain ends; a chain without records ends before its first one."""
        segments = self.chains.get(retention)
        return segments[-1] if segments else Segment(0, 1, 0, NOTHING, 0)

    def with_record(self, stored: StoredRecord, year: int, size: int) -> Head:
        """Return the head after one more record."""
        retention = stored.record.retention
        segments = self.chains.get(retention, ())
        if segments and segments[-1].year == year:
            grown = replace(segments[-1], last=stored.sequence, hash=stored.hash, bytes=size)
            segments = (*segments[:-1], grown)
        else:
            segments = (*segments, Segment(year, stored.sequence, stored.sequence, stored.hash, size))
        return Head({**self.chains, retention: segments})

    def _content(self, key: PublicKey) -> dict[str, Any]:
        chains = {name: [segment.as_data() for segment in chain] for name, chain in self.chains.items()}
        return {"format": FORMAT, "key": key.id, "chains": chains}

    def write(self, folder: Path, key: SigningKey) -> None:
        """Sign it and replace the old one in one step."""
        content = self._content(key.public)
        signature = key.sign(PURPOSE + canonical(content))
        write_atomic(folder / FILE, canonical({**content, "signature": signature}) + b"\n")

    @classmethod
    def read(cls, folder: Path, key: PublicKey) -> Head | None:
        """Read and check it; None where there is none. Raises BadHeadError for a wrong one."""
        try:
            data = json.loads((folder / FILE).read_bytes())
            head = cls(
                {
                    name: tuple(Segment(**segment) for segment in chain)
                    for name, chain in data["chains"].items()
                }
            )
            whole = {**head._content(key), "signature": data["signature"]}
            signed = PURPOSE + canonical(head._content(key))
        except FileNotFoundError:
            return None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadHeadError(f"{FILE} cannot be read") from error
        if data.get("key") != key.id:
            raise BadHeadError(f"{FILE} was signed with another key than the store's")
        if data != whole or not key.signed(signed, data["signature"]):
            raise BadHeadError(f"the signature of {FILE} does not fit its content")
        return head
