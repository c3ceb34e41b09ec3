# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A page to read: the verdicts, what blocks, what is excepted, and the trend. It needs no other file."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ansible_collections.rampart.k8s.plugins.module_utils._scan import trend
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.outcome import (
    LEVELS,
    Run,
    Verdict,
    as_row,
    next_step,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import Finding, Outcome

# A page of thousands of rows is read by nobody; the other reports hold all.
MOST_ROWS = 500

STYLE = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #8884; vertical-align: top }
.passed { color: #2a7d4f } .failed, .error, .blocked { color: #b3202c }
.excepted { color: #a56a00 } .quiet { opacity: .7; overflow-wrap: anywhere }
svg { width: 100%; max-width: 45rem; fill: currentColor }
"""

# What scanners repeat of somebody's image is shown and never run.
NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'"

_WORDS = {"passed": "passed", "failed": "blocked", "error": "could not be judged"}
_HEADS = ("Finding", "Severity", "Where", "Fix", "Due", "Outcome", "Why", "Standard", "Scanners")


def render(run: Run) -> str:
    """Return the page."""
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{NOTHING_ELSE}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>Image scan: {escape(run.reason)}</title><style>{STYLE}</style></head><body>",
        f"<h1>Image scan</h1><p>{escape(run.reason)}, {run.now.strftime(TIME)}"
        f"{f', environment {escape(run.environment)}' if run.environment else ''}</p>",
        _overview(run),
        _notes("Exceptions that end soon", run.warnings),
        _notes("Exceptions that have ended", run.expired),
        _notes("Exceptions that nothing needs", run.unused),
        *(_subject(verdict, run) for verdict in run.verdicts),
        f'<p class="quiet">policy {escape(run.policy_digest)}</p></body></html>\n',
    ]
    return "".join(parts)


def _row(cells: Iterable[str], tag: str = "td") -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def _overview(run: Run) -> str:
    rows = [_row(("Image", "Verdict", *LEVELS, "excepted", "digest"), "th")]
    for verdict in run.verdicts:
        counts = verdict.counts
        word = verdict.judged.verdict
        rows.append(
            _row(
                (
                    escape(verdict.line),
                    f'<b class="{word}">{_WORDS[word]}</b>',
                    *(str(counts[level]) for level in LEVELS),
                    str(counts["excepted"]),
                    f'<span class="quiet">{escape(verdict.digest)}</span>',
                )
            )
        )
    return f"<table>{''.join(rows)}</table>"


def _notes(title: str, said: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(one)}</li>" for one in said)
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""


def _subject(verdict: Verdict, run: Run) -> str:
    findings = verdict.judged.findings[:MOST_ROWS]
    rest = len(verdict.judged.findings) - len(findings)
    rows = [_row(_HEADS, "th"), *(_finding(finding) for finding in findings)]
    return "".join(
        (
            f'<h2 class="{verdict.judged.verdict}">{escape(verdict.line)}</h2>',
            f"<p>{escape(verdict.reason)}</p>",
            trend.picture(run.trends.get(verdict.line, ())),
            f"<table>{''.join(rows)}</table>" if findings else "",
            f"<p>and {rest} more</p>" if rest else "",
            _notes("Where the scanners disagree", verdict.judged.disagreements[:MOST_ROWS]),
        )
    )


def _finding(finding: Finding) -> str:
    row = as_row(finding)
    standards = [f"CIS Docker {row['cis_docker']}"] if row["cis_docker"] else []
    standards += [f"NIST 800-190 {row['nist_800_190']}"] if row["nist_800_190"] else []
    step = next_step(finding) if finding.outcome is Outcome.BLOCKED else ""
    return _row(
        (
            f"<b>{escape(finding.name)}</b><br>{escape(finding.title)}",
            escape(row["severity"]),
            escape(finding.target),
            escape(finding.fix),
            escape(row["due"]),
            f'<span class="{finding.outcome.value}">{finding.outcome.value}</span>',
            escape(finding.why)
            + (f"<br>{escape(step)}" if step and finding.outcome is Outcome.BLOCKED else ""),
            escape(", ".join(standards)),
            escape(", ".join(finding.scanners)),
        )
    )
