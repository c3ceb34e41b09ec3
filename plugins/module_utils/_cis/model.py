# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a control of the benchmark is and what can be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


class Status(StrEnum):
    """The answers to a control."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:
        """Let each answer read as it is called."""
        return name.replace("_", " ")

    PASS = auto()
    FAIL = auto()
    WARN = auto()
    NOT_APPLICABLE = auto()


@dataclass(frozen=True, slots=True)
class Definition:
    """A control as the benchmark words it."""

    id: str
    title: str
    remediation: str = ""

    @property
    def order(self) -> tuple[int, ...]:
        """Sort 1.2.9 before 1.2.10."""
        return tuple(int(part) for part in self.id.split("."))


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer to a control and what it rests on: a file with its value, or objects."""

    status: Status
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """A control with its answer."""

    definition: Definition
    finding: Finding
    # Who answered: kube-bench, or our own check of files, processes and the API.
    source: str
    explanation: str = ""
    decided_by: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the control as plain data."""
        return {
            "id": self.definition.id,
            "title": self.definition.title,
            "status": str(self.finding.status),
            "evidence": list(self.finding.evidence),
            "source": self.source,
            "remediation": self.definition.remediation,
            "explanation": self.explanation,
            "decided_by": self.decided_by,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a control stays a warning here, and who decides about it."""

    reason: str
    decided_by: str


def explanations_of(data: Mapping[str, Any]) -> dict[str, Explanation]:
    """Read explanations as people write them; one without a reason or a decider is none."""
    found = {}
    for control, explanation in data.items():
        fields = explanation if isinstance(explanation, dict) else {}
        reason, decided_by = fields.get("reason"), fields.get("decided_by")
        if not reason or not decided_by:
            raise RampartError(
                f"The explanation of {control} lacks its reason or who decides about it.",
                next_step="give both, reason and decided_by",
            )
        found[str(control)] = Explanation(str(reason), str(decided_by))
    return found


@dataclass(slots=True)
class Violation:
    """Why the gate does not open: which control, what was found, how to fix it."""

    id: str
    title: str
    found: str
    fix: str

    def __str__(self) -> str:
        return f"{self.id} {self.title}: {self.found}. Fix: {self.fix}"


@dataclass(slots=True)
class Outcome:
    """All controls, what is against passing, and the counts."""

    controls: list[Control]
    violations: list[Violation] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many controls got each answer."""
        counts = {str(status): 0 for status in Status}
        for control in self.controls:
            counts[str(control.finding.status)] += 1
        return counts
