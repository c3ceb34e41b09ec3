# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One subject with its verdict, as reports and results need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.exceptions import Exemption
from ansible_collections.rampart.k8s.plugins.module_utils._scan.judging import Examined
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Merged
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.standards import requirement
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import (
    SCANNER,
    VULNERABILITY,
    Database,
    Finding,
    Judged,
    Outcome,
)

# What a task's answer lists of a subject; reports hold the rest.
SHOWN = 20

LEVELS = tuple(level.name.lower() for level in sorted(Severity, reverse=True))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything about one subject of a run."""

    examined: Examined
    merged: Merged
    judged: Judged
    versions: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[str, Database] = field(default_factory=dict)

    @property
    def line(self) -> str:
        return self.examined.subject.line

    @property
    def digest(self) -> str:
        return self.examined.fact.digest if self.examined.fact else ""

    @property
    def passed(self) -> bool:
        return self.judged.verdict == "passed"

    @property
    def cached(self) -> bool:
        """Whether no scanner was needed."""
        return bool(self.examined.reports) and len(self.examined.cached) == len(self.examined.reports)

    @property
    def counts(self) -> dict[str, int]:
        """Vulnerabilities by severity, and what the findings came to."""
        found = dict.fromkeys(LEVELS, 0)
        for finding in self.judged.findings:
            if finding.kind == VULNERABILITY and finding.severity is not None:
                found[finding.severity.name.lower()] += 1
        for outcome in Outcome:
            found[outcome.value] = sum(1 for finding in self.judged.findings if finding.outcome is outcome)
        found["packages"] = len(self.merged.packages)
        found["disagreements"] = len(self.judged.disagreements)
        return found

    @property
    def reason(self) -> str:
        """The verdict in a sentence that names the first thing to repair."""
        violations = self.judged.violations
        if not violations:
            counts = self.counts
            listed = ", ".join(f"{counts[level]} {level}" for level in LEVELS if counts[level])
            return f"passed: {listed or 'no vulnerability'}, {counts['excepted']} excepted"
        more = f", and {len(violations) - 1} more" if len(violations) > 1 else ""
        word = "could not be judged" if self.judged.verdict == "error" else "blocked"
        return f"{word}: {violations[0]}{more}"

    def as_data(self, limit: int | None = SHOWN) -> dict[str, Any]:
        """Return plain data; bounded for a task's answer, whole for a report."""
        violations = self.judged.violations
        return {
            "name": self.line,
            "image": self.examined.subject.shown,
            "digest": self.digest,
            "verdict": self.judged.verdict,
            "reason": self.reason,
            "summary": self.counts,
            "violations": [as_row(finding) for finding in violations[:limit]],
            "violations_total": len(violations),
            "scanners": {
                report.scanner: {"version": report.version, "cached": report.scanner in self.examined.cached}
                for report in self.examined.reports
            },
            "databases": {
                name: {"built": one.built.strftime(TIME), "stale": name in self.judged.stale}
                for name, one in self.databases.items()
            },
            "stale_db": bool(self.judged.stale),
            "cached": self.cached,
            "exceptions": [one.key for one in self.judged.used],
            "disagreements": list(self.judged.disagreements[:limit]),
            "distribution": self.merged.distribution,
        }


def as_row(finding: Finding) -> dict[str, Any]:
    """Return one finding as plain data."""
    need = requirement(finding.name.partition(":")[0] if finding.kind != VULNERABILITY else VULNERABILITY)
    return {
        "kind": finding.kind,
        "name": finding.name,
        "target": finding.target,
        "severity": finding.severity.name if finding.severity is not None else "",
        "outcome": finding.outcome.value,
        "why": finding.why,
        "title": finding.title,
        "fix": finding.fix,
        "due": _time(finding.due),
        "first_seen": _time(finding.first_seen),
        "exception": finding.exemption,
        "scanners": list(finding.scanners),
        "disagreements": list(finding.disagreements),
        "next_step": next_step(finding),
        "cis_docker": need.cis,
        "nist_800_190": need.nist,
    }


def next_step(finding: Finding) -> str:
    """Say what a person does about a finding."""
    if finding.next_step or finding.outcome is not Outcome.BLOCKED:
        return finding.next_step
    if finding.kind == VULNERABILITY and finding.fix:
        return f"update {finding.target} to {finding.fix}"
    if finding.kind == SCANNER:
        return "run it by hand"
    return "repair it, or ask for an exception with an end"


def _time(moment: datetime | None) -> str:
    return moment.strftime(TIME) if moment else ""


@dataclass(frozen=True, slots=True)
class Run:
    """All subjects of a run, with what is the same for all of them."""

    verdicts: Sequence[Verdict]
    now: datetime
    environment: str
    policy_digest: str
    exemptions: Sequence[Exemption] = ()
    warnings: Sequence[str] = ()
    unused: Sequence[str] = ()
    expired: Sequence[str] = ()
    trends: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def label(self, verdict: Verdict) -> str:
        """Name a subject in the reports: by its line, and by its digest too where a line has several."""
        lines = [one.line for one in self.verdicts]
        if lines.count(verdict.line) == 1:
            return verdict.line
        return f"{verdict.line}@{verdict.digest.partition(':')[2][:12] or verdict.examined.subject.place}"

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def reason(self) -> str:
        words = {"passed": 0, "failed": 0, "error": 0}
        for verdict in self.verdicts:
            words[verdict.judged.verdict] += 1
        shown = {"passed": "passed", "failed": "blocked", "error": "could not be judged"}
        listed = ", ".join(f"{count} {shown[word]}" for word, count in words.items() if count)
        return f"{len(self.verdicts)} judged: {listed}"
