# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Answers questions about what gates found, from a store that was verified for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import StoredRecord
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import (
    BrokenChainError,
    ChainReport,
    EvidenceStore,
)
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.walk import Broken

NOTHING: dict[str, Any] = {
    "valid": False,
    "records": 0,
    "first": {},
    "last": {},
    "heads": {},
    "broken": {},
    "torn": [],
}


def moment(text: str) -> datetime:
    """Read a time with its zone, as RFC 3339 spells it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _no_time(text) from error
    if found.tzinfo is None:
        raise _no_time(text)
    return found.astimezone(UTC)


def _no_time(text: str) -> RampartError:
    return RampartError(f"{text!r} is no time with a zone.", next_step="write it like 2026-11-22T09:00:00Z")


@dataclass(frozen=True, slots=True)
class Question:
    """Which records are asked for; what is empty asks for all."""

    gates: Sequence[str] = ()
    subjects: Sequence[str] = ()
    verdicts: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, stored: StoredRecord) -> bool:
        """Say whether a record answers it; a subject is named by its name or its digest."""
        record = stored.record
        return (
            (not self.gates or record.gate in self.gates)
            and (not self.subjects or bool({record.subject.name, record.subject.digest} & {*self.subjects}))
            and (not self.verdicts or record.verdict in self.verdicts)
            and (self.since is None or record.moment >= self.since)
            and (self.until is None or record.moment < self.until)
        )


def put_back(report: ChainReport, noted: Mapping[str, str]) -> Broken | None:
    """Compare with what somebody noted elsewhere: a store that was put back as a whole is valid in itself."""
    there = {stored.id: stored.hash for stored in report.records}
    oldest: dict[str, int] = {}
    for stored in report.records:
        oldest.setdefault(str(stored.record.retention), stored.sequence)
    for name, wanted in sorted(noted.items()):
        chain, _colon, number = name.rpartition(":")
        if not number.isdecimal():
            raise RampartError(f"{name!r} names no record.", next_step="note it like security_7y:17")
        if there.get(name) == wanted or int(number) < oldest.get(chain, 0):
            continue
        was = "another one stands in its place" if name in there else "it is not there"
        return Broken(chain, int(number), f"it was noted elsewhere, and {was}: an older store was put back")
    return None


class EvidenceInfo:
    """The operation behind the module evidence_info."""

    def __init__(self, module: AnsibleModule, _redactor: Redactor) -> None:
        self._options: dict[str, Any] = module.params
        self._check_mode = bool(module.check_mode)

    def plan(self) -> Plan:
        """Verify all, then return what was asked for, the newest first."""
        options = self._options
        store = EvidenceStore(options["evidence_dir"], public_key=options["public_key"])
        question = Question(
            options["gates"],
            options["subjects"],
            options["verdicts"],
            moment(options["since"]) if options["since"] else None,
            moment(options["until"]) if options["until"] else None,
        )
        if self._check_mode and not store.folder.exists():
            nothing = {"records": [], "matched": 0, "chain": NOTHING}
            return Plan(False, f"There is no evidence in {store.folder} yet.", result=nothing)
        report = store.verify()
        broken = report.broken or put_back(report, options["noted"])
        if broken and not options["report_only"]:
            raise BrokenChainError(store.folder, broken)
        found = sorted(
            (stored for stored in report.records if question.wants(stored)),
            key=lambda stored: (stored.record.time, stored.sequence),
            reverse=True,
        )
        chain = report.as_data()
        if broken:
            chain |= {"valid": False, "broken": broken.as_data()}
        state = f"broken at {broken}" if broken else "whole and signed"
        result = {
            "records": [stored.as_data() for stored in found[: options["limit"]]],
            "matched": len(found),
            "chain": chain,
        }
        return Plan(
            False, f"{len(found)} of {len(report.records)} records; the store is {state}.", result=result
        )

    def apply(self, plan: Plan) -> Plan:
        """Return the plan as it is: reading changes nothing."""
        return plan
