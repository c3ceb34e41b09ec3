# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What gates leave behind, and what they need not prove again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import program
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import StoredRecord
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import play_of
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import (
    Record,
    Subject,
    Verdict,
    presentable,
)
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

# A record names some violations and counts the rest.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Ledger:
    """The evidence of one gate in one task."""

    gate: str
    store: EvidenceStore | None
    play: Mapping[str, str]
    redactor: Redactor
    # Check mode looks things up and writes nothing.
    writes: bool

    @classmethod
    def of(cls, gate: str, parameters: Mapping[str, Any], redactor: Redactor, *, check_mode: bool) -> Ledger:
        """Take what the options say."""
        directory = parameters.get("evidence_dir")
        store = EvidenceStore(directory) if directory else None
        return cls(gate, store, play_of(parameters), redactor, writes=store is not None and not check_mode)

    def passed(self, subject: Subject, max_age: timedelta) -> StoredRecord | None:
        """Return the newest verdict on exactly this subject when it is a whole pass and young enough.

        Raises BrokenChainError when anything in the store is not as it was written.
        """
        if self.store is None:
            return None
        # Without an age nothing is taken over, but a store that was tampered with is found all the same.
        found = self.store.latest(self.gate, subject.digest, max_age=max_age)
        if found is None or not max_age or found.record.verdict != "passed":
            return None
        counts = found.record.summary.get("counts")
        if not isinstance(counts, Mapping) or counts.get("not_proven"):
            return None
        return found

    def write(
        self,
        subject: Subject,
        verdict: Verdict,
        *,
        policy: str = "",
        counts: Mapping[str, int] | None = None,
        found: Iterable[str] = (),
        tools: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> str:
        """Record a verdict and return the record's name; empty where nothing is recorded."""
        if self.store is None or not self.writes:
            return ""
        named = [presentable(self.redactor.text(text)) for text in found]
        summary: dict[str, Any] = {"counts": dict(counts or {}), **(more or {})}
        if named:
            summary |= {"found": named[:NAMED], "unnamed": max(0, len(named) - NAMED)}
        record = Record(
            self.gate,
            subject,
            verdict,
            policy=policy,
            tools={"rampart.k8s": program.shown(program.code()), **(tools or {})},
            summary=summary,
            play=self.play,
        )
        return self.store.append(record).id
