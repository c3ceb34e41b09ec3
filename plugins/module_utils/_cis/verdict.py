# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings the answers together and says whether the gate opens. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import (
    Control,
    Definition,
    Explanation,
    Finding,
    Outcome,
    Status,
    Violation,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

KUBE_BENCH = "kube-bench"
OWN = "rampart.k8s"
NOBODY = "nobody"

_SEVERITY = {Status.NOT_APPLICABLE: 0, Status.PASS: 1, Status.WARN: 2, Status.FAIL: 3}


def combine(asked: Finding | None, own: Finding | None) -> tuple[Finding, str]:
    """Choose between kube-bench's answer and our own, and name who gave it.

    Our own check answers what kube-bench leaves open. Where kube-bench has an answer, the worse of
    the two counts: a second source may find more, it may not excuse a failure. Only 'not
    applicable' goes before all, since the control then asks about something that is not there.
    """
    if asked is None and own is None:
        return Finding(Status.WARN, ("no check of ours answers it, and kube-bench was not asked",)), NOBODY
    if own is None or asked is None:
        return (asked, KUBE_BENCH) if asked is not None else (own or Finding(Status.WARN), OWN)
    if own.status is Status.NOT_APPLICABLE or asked.status is Status.WARN:
        return own, OWN
    if _SEVERITY[own.status] > _SEVERITY[asked.status]:
        return own, OWN
    return asked, KUBE_BENCH


def judge(
    definitions: list[Definition],
    known: set[str],
    asked: Mapping[str, Finding],
    own: Mapping[str, Finding],
    explanations: Mapping[str, Explanation],
) -> Outcome:
    """Answer every control and list what keeps the gate shut.

    ``known`` are the controls of the whole benchmark; of them ``definitions`` are judged here.
    """
    unknown = sorted(set(explanations) - known)
    if unknown:
        raise RampartError(
            f"There are explanations for controls that this benchmark does not have: {', '.join(unknown)}.",
            next_step="correct their numbers or take them out",
        )
    outcome = Outcome([])
    for definition in sorted(definitions, key=lambda one: one.order):
        finding, source = combine(asked.get(definition.id), own.get(definition.id))
        explained = explanations.get(definition.id) if finding.status is Status.WARN else None
        outcome.controls.append(
            Control(
                definition,
                finding,
                source,
                explained.reason if explained else "",
                explained.decided_by if explained else "",
            )
        )
        if finding.status is Status.FAIL:
            outcome.violations.append(_violation(definition, finding, definition.remediation))
        elif finding.status is Status.WARN and explained is None:
            outcome.violations.append(
                _violation(definition, finding, "set it right, or explain the warning and name who decides")
            )
    return outcome


def _violation(definition: Definition, finding: Finding, fix: str) -> Violation:
    return Violation(definition.id, definition.title, "; ".join(finding.evidence) or "nothing", fix)
