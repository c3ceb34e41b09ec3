# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes the outcome down: a table for the person, and JSON, Markdown and JUnit for files.

The files hold no time and no name of a machine, so that an unchanged cluster gives an unchanged file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Control, Outcome, Status
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

TITLE_WIDTH = 78


def _summary(outcome: Outcome) -> str:
    return ", ".join(f"{count} {status}" for status, count in outcome.counts.items())


def table(outcome: Outcome) -> list[str]:
    """Return lines for a terminal: everything that is not plainly passed, then the counts."""
    lines = []
    for control in outcome.controls:
        if control.finding.status is Status.PASS:
            continue
        head = f"{control.finding.status:<14} {control.definition.id:<7} {control.definition.title}"
        lines.append(head[: 23 + TITLE_WIDTH])
        lines += [f"{'':22} {text}" for text in control.finding.evidence]
        if control.explanation:
            lines.append(f"{'':22} why: {control.explanation} (decided by: {control.decided_by})")
    return [*lines, _summary(outcome)]


def as_json(outcome: Outcome) -> str:
    """Return everything as JSON."""
    data = {
        "passed": not outcome.violations,
        "counts": outcome.counts,
        "violations": [str(violation) for violation in outcome.violations],
        "controls": [control.as_data() for control in outcome.controls],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def as_markdown(outcome: Outcome) -> str:
    """Return a report to read or to put into a ticket."""
    lines = ["# CIS Kubernetes Benchmark", "", _summary(outcome), ""]
    if outcome.violations:
        lines += [
            "## What keeps the gate shut",
            "",
            *(f"- {violation}" for violation in outcome.violations),
            "",
        ]
    lines += ["## Controls", "", "| Control | Answer | Title | Evidence | Source |", "|---|---|---|---|---|"]
    for control in outcome.controls:
        evidence = "; ".join(control.finding.evidence)
        if control.explanation:
            evidence += f" Why: {control.explanation} (decided by: {control.decided_by})"
        cells = (
            control.definition.id,
            control.finding.status,
            control.definition.title,
            evidence,
            control.source,
        )
        lines.append("| " + " | ".join(_cell(str(cell)) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _testcase(control: Control, unexplained: bool) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        classname=f"cis.{control.source}",
        name=f"{control.definition.id} {control.definition.title}",
    )
    text = "\n".join(control.finding.evidence)
    if control.finding.status is Status.FAIL or unexplained:
        failure = ElementTree.SubElement(case, "failure", message=f"{control.finding.status}: {text}"[:500])
        failure.text = f"{text}\n{control.definition.remediation}"
    elif control.finding.status is not Status.PASS:
        said = control.explanation or text
        ElementTree.SubElement(case, "skipped", message=f"{control.finding.status}: {said}"[:500])
    return case


def as_junit(outcome: Outcome) -> str:
    """Return what a build server shows as tests; explained warnings are skipped tests."""
    against = {violation.id for violation in outcome.violations}
    suite = ElementTree.Element(
        "testsuite",
        name="CIS Kubernetes Benchmark",
        tests=str(len(outcome.controls)),
        failures=str(len(outcome.violations)),
    )
    for control in outcome.controls:
        suite.append(_testcase(control, control.definition.id in against))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


FORMATS: dict[str, Callable[[Outcome], str]] = {".json": as_json, ".md": as_markdown, ".xml": as_junit}


def render(path: str, outcome: Outcome) -> bytes:
    """Return a report in the format that its file's name asks for."""
    return writer(path)(outcome).encode()


def writer(path: str) -> Callable[[Outcome], str]:
    """Return the format of a report."""
    try:
        return FORMATS[Path(path).suffix]
    except KeyError:
        raise RampartError(
            f"The report {path} has no format.",
            next_step=f"let its name end with one of {', '.join(FORMATS)}",
        ) from None
