# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A gate: proofs in, one verdict out. What proves nothing is red."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan

# A person reads these; the rest of a long list is counted.
SHOWN = 20


class Verdict(StrEnum):
    """What one proof came to."""

    HELD = "held"
    BROKEN = "broken"
    # The refusal was seen, but it would have been seen without the control too.
    VACUOUS = "vacuous"
    # It could not be tried here.
    NOT_PROVEN = "not_proven"


@dataclass(frozen=True, slots=True)
class Proof:
    """One claim that was put to the test."""

    claim: str
    verdict: Verdict
    # A refusal was demanded; the others are positive controls.
    negative: bool
    observed: str = ""

    def __str__(self) -> str:
        return f"{self.claim}: {self.observed}" if self.observed else self.claim


def judge(control: str, proofs: Sequence[Proof]) -> dict[str, Any]:
    """Sum proofs up as data. Without a single refusal there is no proof, and the gate is shut."""
    by = {verdict: [proof for proof in proofs if proof.verdict is verdict] for verdict in Verdict}
    denied = sum(1 for proof in by[Verdict.HELD] if proof.negative)
    violations = [str(proof) for proof in by[Verdict.BROKEN]]
    violations += [f"{proof} (proves nothing)" for proof in by[Verdict.VACUOUS]]
    not_proven = [str(proof) for proof in by[Verdict.NOT_PROVEN]]
    if not (denied or violations or not_proven):
        violations.append(f"{control}: nothing was refused, so nothing is proved")
    counts = {
        "proved": len(by[Verdict.HELD]),
        "denied": denied,
        "allowed": len(by[Verdict.HELD]) - denied,
        "violations": len(violations),
        "not_proven": len(not_proven),
    }
    return {
        "control": control,
        "violations": violations,
        "not_proven": not_proven,
        "counts": counts,
        "passed": not violations and not not_proven,
    }


def conclude(
    control: str,
    proofs: Sequence[Proof],
    *,
    report_only: bool,
    allow_not_proven: bool,
    **details: Any,
) -> Plan:
    """Turn proofs into a module's answer; raises RampartError when the gate is shut."""
    result = judge(control, proofs)
    if allow_not_proven and not result["violations"]:
        result["passed"] = True
    counts = result["counts"]
    summary = f"{counts['proved']} proved ({counts['denied']} refusals, {counts['allowed']} controls)"
    if counts["violations"]:
        summary += f", {counts['violations']} violations"
    if counts["not_proven"]:
        summary += f", {counts['not_proven']} not proven"
    if not result["passed"] and not report_only:
        listed = result["violations"] or result["not_proven"]
        more = f" (and {len(listed) - SHOWN} more)" if len(listed) > SHOWN else ""
        raise RampartError(
            f"The control {control!r} is not proved: {summary}. {'; '.join(listed[:SHOWN])}{more}.",
            next_step=(
                "repair what the violations name and verify again"
                if result["violations"]
                else "make the missing proofs possible, or allow them to be missing"
            ),
            **result,
            **details,
        )
    return Plan(False, summary, result={**result, **details})


def would(control: str, what: str) -> Plan:
    """Answer in check mode: nothing was tried."""
    return Plan(
        False,
        f"would prove {what}",
        result={
            "control": control,
            "passed": False,
            "violations": [],
            "not_proven": [f"{what} (check mode tries nothing)"],
            "counts": {"proved": 0, "denied": 0, "allowed": 0, "violations": 0, "not_proven": 1},
        },
    )
