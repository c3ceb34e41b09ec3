# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A checklist whose items are answered by evidence: which gates prove an item, and what they found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import StoredRecord
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict

PASSED, FAILED, NOT_PROVEN = "passed", "failed", "not proven"
_VERDICTS = {PASSED: Verdict.HELD, FAILED: Verdict.BROKEN, NOT_PROVEN: Verdict.NOT_PROVEN}
NAMED = 5


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose evidence counts: that of this host and this cluster."""

    host: str
    cluster: str
    now: datetime
    max_age: timedelta

    def holds(self, stored: StoredRecord) -> bool:
        """Say whether a record is about what is judged here, whatever its age."""
        record = stored.record
        if record.subject.kind == "cluster":
            return record.subject.name == self.cluster
        return not self.host or record.play.get("host") == self.host

    def is_young(self, stored: StoredRecord, hours: int) -> bool:
        """Say whether a record still counts; an item may ask for younger ones."""
        limit = timedelta(hours=hours) if hours else self.max_age
        return self.now - stored.record.moment <= limit


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the checklist, and what became of it."""

    id: str
    part: str
    text: str
    gates: Sequence[str]
    verdict: str
    evidence: Sequence[str] = ()
    reasons: Sequence[str] = field(default_factory=list)

    def as_proof(self) -> Proof:
        """An item is a demand: whoever says it holds has refused its opposite."""
        return Proof(f"{self.id} {self.text}", _VERDICTS[self.verdict], True, "; ".join(self.reasons))

    def as_data(self) -> dict[str, Any]:
        """Return plain data, for playbooks and reports."""
        return {
            "id": self.id,
            "part": self.part,
            "text": self.text,
            "gates": list(self.gates),
            "verdict": self.verdict,
            "evidence": list(self.evidence),
            "reasons": list(self.reasons),
        }


def _thing(stored: StoredRecord) -> tuple[str, str]:
    """Return what a record is about, without its version: what was judged again replaces what was."""
    subject = stored.record.subject
    # A release is judged as a whole, with a record more for each image that it ran then.
    name = subject.name.partition(" with ")[0] if subject.kind == "release" else subject.name
    return subject.kind, name


def newest(records: Iterable[StoredRecord], gate: str, scope: Scope, hours: int) -> list[StoredRecord]:
    """Return the last word of a gate on each thing, where it is young enough."""
    found: dict[tuple[str, str], StoredRecord] = {}
    for stored in records:
        if stored.record.gate == gate and scope.holds(stored):
            before = found.get(_thing(stored), stored)
            if (before.record.time, before.sequence) <= (stored.record.time, stored.sequence):
                found[_thing(stored)] = stored
    return [stored for stored in found.values() if scope.is_young(stored, hours)]


def word(stored: StoredRecord, control: str) -> tuple[str, str]:
    """Return what one record says of a demand, and why where it is not a pass."""
    record = stored.record
    about = f"{record.gate} on {_thing(stored)[1]}"
    if control:
        controls = record.summary.get("controls")
        said = controls.get(control) if isinstance(controls, Mapping) else None
        if said == PASSED:
            return PASSED, ""
        if said == FAILED or record.verdict == "error":
            return FAILED, f"{record.gate} found violations of {control}"
        return NOT_PROVEN, f"{record.gate} did not prove {control}"
    if record.verdict != "passed":
        return FAILED, f"{about} says {record.verdict}"
    counts = record.summary.get("counts")
    if isinstance(counts, Mapping) and counts.get("not_proven"):
        return NOT_PROVEN, f"{about} left {counts['not_proven']} claims open"
    return PASSED, ""


def judge(item: Mapping[str, Any], records: Sequence[StoredRecord], scope: Scope) -> Item:
    """Answer one item: everything that it demands must be there, and have passed."""
    verdicts, reasons, evidence = [], [], []
    for demand in item["proofs"]:
        gate, control = demand["gate"], demand["control"] or ""
        found = newest(records, gate, scope, demand["max_age_hours"])
        if not found:
            verdicts.append(NOT_PROVEN)
            reasons.append(f"there is no evidence of {gate} that is young enough")
        for stored in found:
            verdict, why = word(stored, control)
            verdicts.append(verdict)
            reasons += [why] if why else []
            evidence.append(stored.id)
    if not verdicts:
        reasons.append(item["why"] or "no gate proves it")
    worst = [verdict for verdict in (FAILED, NOT_PROVEN, PASSED) if verdict in verdicts]
    reasons = list(dict.fromkeys(reasons))
    if len(reasons) > NAMED:
        reasons = [*reasons[:NAMED], f"and {len(reasons) - NAMED} more"]
    gates = [
        demand["gate"] + (f" ({demand['control']})" if demand["control"] else "") for demand in item["proofs"]
    ]
    return Item(
        item["id"],
        item["part"],
        item["text"],
        gates,
        worst[0] if worst else NOT_PROVEN,
        list(dict.fromkeys(evidence)),
        reasons,
    )
