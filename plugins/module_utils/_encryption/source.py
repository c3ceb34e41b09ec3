# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Where stored values come from: a living etcd or a snapshot of one; and how they are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import Tally

# The API server compacts every five minutes; more often than this in one census means trouble.
COMPACTIONS_TOLERATED = 3


class Value(NamedTuple):
    """One key with one of its values."""

    key: bytes
    value: bytes


class CompactedError(Exception):
    """etcd has forgotten the revision that was asked for."""

    def __init__(self, revision: int = 0) -> None:
        super().__init__(revision)
        self.revision = revision


class Source(Protocol):
    """What a census reads from."""

    def revision(self) -> int:
        """Return the revision of the last write."""

    def compacted(self) -> int:
        """Return the revision up to which the history is forgotten."""

    def values(self, prefix: bytes, revision: int) -> Iterator[Value]:
        """Yield every value under a prefix as of a revision."""

    def history(self, prefix: bytes, revision: int) -> Iterator[Value]:
        """Yield every value that is remembered up to a revision, the live ones among them."""

    def close(self) -> None:
        """Let go of what is held."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One census."""

    live: Tally
    history: Tally
    revision: int
    compacted: int


def count(source: Source, prefix: str, tally: Callable[[], Tally]) -> Counted:
    """Count everything as of one revision; begin again when that was compacted meanwhile."""
    root = prefix.rstrip("/").encode() + b"/"
    for _attempt in range(COMPACTIONS_TOLERATED):
        live, history = tally(), tally()
        revision = source.revision()
        try:
            for value in source.values(root, revision):
                live.add(*value)
            compacted = source.compacted()
            for value in source.history(root, revision):
                history.add(*value)
        except CompactedError:
            continue
        return Counted(live, history, revision, compacted)
    raise RampartError(
        "etcd was compacted again and again while its values were counted.",
        next_step="find out who compacts so often, then run again",
    )
