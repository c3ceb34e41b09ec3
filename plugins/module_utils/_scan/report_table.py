# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The table that a person reads at the terminal."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._scan.outcome import (
    LEVELS,
    SHOWN,
    Run,
    Verdict,
    next_step,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import Outcome

WIDEST = 48
MOST_LINES = 400
_SHORT = {
    "critical": "CRIT",
    "high": "HIGH",
    "medium": "MED",
    "low": "LOW",
    "negligible": "NEGL",
    "unknown": "UNKN",
}
_WORDS = {"passed": "passed", "failed": "BLOCKED", "error": "ERROR"}


def table(run: Run) -> list[str]:
    """Return the lines: one per subject, then what blocks, then what wants attention."""
    names = [_cut(verdict.line) for verdict in run.verdicts]
    width = max([5, *map(len, names)])
    heads = "".join(f"{_SHORT[level]:>6}" for level in LEVELS)
    lines = [f"{'IMAGE':<{width}}  {'VERDICT':<8}{heads}{'EXC':>5}  SCANNERS"]
    for name, verdict in zip(names, run.verdicts, strict=True):
        counts = verdict.counts
        numbers = "".join(f"{counts[level]:>6}" for level in LEVELS)
        scanners = " ".join(
            f"{report.scanner}{'*' if report.scanner in verdict.examined.cached else ''}"
            for report in verdict.examined.reports
        )
        word = _WORDS[verdict.judged.verdict]
        lines.append(f"{name:<{width}}  {word:<8}{numbers}{counts['excepted']:>5}  {scanners}")
    for verdict in run.verdicts:
        lines += _details(verdict)
    lines += [f"warning: {said}" for said in run.warnings]
    lines += [f"unused: {said}" for said in run.unused]
    return [*lines, f"{run.reason} (* from the cache)"]


def bounded(run: Run) -> list[str]:
    """Return what a task's answer shows of the table; the report holds all of it."""
    lines = table(run)
    if len(lines) <= MOST_LINES:
        return lines
    rest = len(lines) - MOST_LINES
    return [*lines[: MOST_LINES - 1], f"and {rest} more lines in the report", lines[-1]]


def _details(verdict: Verdict) -> list[str]:
    shown = [finding for finding in verdict.judged.findings if finding.outcome is Outcome.BLOCKED]
    if not shown and not verdict.judged.stale:
        return []
    lines = [f"{verdict.line} ({verdict.digest[:19] or 'no digest'})"]
    for finding in shown[:SHOWN]:
        lines.append(f"  {finding}")
        step = next_step(finding)
        if step:
            lines.append(f"    -> {step}")
        lines += [f"    ? {said}" for said in finding.disagreements]
    if len(shown) > SHOWN:
        lines.append(f"  and {len(shown) - SHOWN} more")
    lines += [f"  the database of {name} is stale, and the policy allows it" for name in verdict.judged.stale]
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"...{text[3 - WIDEST :]}"
