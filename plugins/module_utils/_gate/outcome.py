# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""How a gate ends: a verdict for each subject, evidence of it, and one answer for the play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import play_of
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

# A person reads these; the rest of a long list is counted.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a gate found out about one subject."""

    subject: Subject
    violations: Sequence[str] = ()
    warnings: Sequence[str] = ()
    exceptions: Sequence[str] = ()
    # Counts and short names for the evidence.
    summary: Mapping[str, Any] = field(default_factory=dict)
    # What the same verdict is about too; each gets a record of its own, to be found by its own digest.
    also: Sequence[Subject] = ()

    @property
    def passed(self) -> bool:
        return not self.violations


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate in one task."""

    name: str
    report_only: bool
    check_mode: bool
    evidence_dir: str | None
    evidence_play: Mapping[str, str]
    policy: Mapping[str, Any]
    tools: Mapping[str, str]
    # What the person does about a violation.
    next_step: str

    @classmethod
    def of(
        cls,
        name: str,
        parameters: Mapping[str, Any],
        *,
        check_mode: bool,
        policy: Mapping[str, Any],
        tools: Mapping[str, str],
        next_step: str,
    ) -> Gate:
        """Take what every gate's options say."""
        return cls(
            name,
            parameters["report_only"],
            check_mode,
            parameters["evidence_dir"],
            play_of(parameters),
            policy,
            tools,
            next_step,
        )

    def _record(self, outcomes: Sequence[Outcome]) -> list[str]:
        if not self.evidence_dir or self.check_mode:
            return []
        store = EvidenceStore(self.evidence_dir)
        return [
            store.append(
                Record(
                    gate=self.name,
                    subject=subject,
                    verdict="passed" if outcome.passed else "failed",
                    tools=self.tools,
                    policy=digest(dict(self.policy)),
                    exceptions=list(outcome.exceptions),
                    summary=outcome.summary,
                    play=self.evidence_play,
                )
            ).id
            for outcome in outcomes
            for subject in (outcome.subject, *outcome.also)
        ]

    def conclude(self, outcomes: Sequence[Outcome], **details: Any) -> Plan:
        """Record every verdict, then answer; raises RampartError when the gate is shut."""
        if not outcomes:
            raise RampartError(
                f"The gate {self.name} was given nothing to judge, and nothing is not a pass.",
                next_step="name what is to be judged",
                passed=False,
            )
        violations = [
            f"{outcome.subject.name}: {violation}" for outcome in outcomes for violation in outcome.violations
        ]
        shut = [outcome for outcome in outcomes if not outcome.passed]
        summary = f"{len(outcomes) - len(shut)} of {len(outcomes)} passed"
        result = {
            "passed": not shut,
            "violations": violations,
            "warnings_found": [
                f"{outcome.subject.name}: {warning}" for outcome in outcomes for warning in outcome.warnings
            ],
            "evidence": self._record(outcomes),
            **details,
        }
        if shut and not self.report_only:
            more = f" (and {len(violations) - SHOWN} more)" if len(violations) > SHOWN else ""
            raise RampartError(
                f"The gate {self.name} is shut: {summary}. {'; '.join(violations[:SHOWN])}{more}.",
                next_step=self.next_step,
                **result,
            )
        return Plan(False, summary, result=result)
