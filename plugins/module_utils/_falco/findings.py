# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What is wrong with rules: where, what, why, and what to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class Place:
    """An item of a file; ``item`` is its kind and name."""

    file: str
    line: int
    item: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    severity: str
    place: Place
    why: str
    next_step: str

    def as_data(self) -> dict[str, str | int]:
        """Return plain data, for playbooks."""
        return {
            "severity": self.severity,
            "file": self.place.file,
            "line": self.place.line,
            "item": self.place.item,
            "why": self.why,
            "next_step": self.next_step,
        }

    def __str__(self) -> str:
        return f"{self.place.file}:{self.place.line}: {self.place.item}: {self.why}"


@dataclass(slots=True)
class Findings:
    """All of them, in the order in which they were met."""

    all: list[Finding] = field(default_factory=list)

    def error(self, place: Place, why: str, next_step: str) -> None:
        """Note what Falco would refuse."""
        self.all.append(Finding(ERROR, place, why, next_step))

    def warn(self, place: Place, why: str, next_step: str) -> None:
        """Note what Falco would take, but not as it was meant."""
        self.all.append(Finding(WARNING, place, why, next_step))

    def of(self, severity: str) -> list[Finding]:
        """Return those of one severity."""
        return [each for each in self.all if each.severity == severity]
