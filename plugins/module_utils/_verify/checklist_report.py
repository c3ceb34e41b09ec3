# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes a checklist down: JUnit for a build server, and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._verify.checklist import (
    FAILED,
    NOT_PROVEN,
    PASSED,
    Item,
)

LONGEST = 500


def as_junit(items: Sequence[Item]) -> str:
    """Return a suite for each part. What is not proven is an error: a skipped test would look harmless."""
    suites = ElementTree.Element("testsuites", name="checklist")
    for part in dict.fromkeys(item.part for item in items):
        own = [item for item in items if item.part == part]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=part,
            tests=str(len(own)),
            failures=str(sum(item.verdict == FAILED for item in own)),
            errors=str(sum(item.verdict == NOT_PROVEN for item in own)),
        )
        for item in own:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"checklist.{part}", name=f"{item.id} {item.text}"
            )
            said = "; ".join(item.reasons)
            if item.verdict != PASSED:
                kind = "failure" if item.verdict == FAILED else "error"
                ElementTree.SubElement(case, kind, message=f"{item.verdict}: {said}"[:LONGEST]).text = said
            told = ElementTree.SubElement(case, "system-out")
            told.text = f"gates: {', '.join(item.gates)}\nevidence: {', '.join(item.evidence)}"
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def as_json(items: Sequence[Item]) -> str:
    """Return everything as JSON."""
    return json.dumps({"items": [item.as_data() for item in items]}, indent=2, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Sequence[Item]], str]] = {".json": as_json, ".xml": as_junit}


def check(paths: Sequence[str]) -> None:
    """Refuse a report that has no format, before anything is judged."""
    for path in paths:
        if Path(path).suffix not in FORMATS:
            raise RampartError(
                f"The report {path} has no format.",
                next_step=f"let its name end with one of {', '.join(FORMATS)}",
            )


def write(paths: Sequence[str], items: Sequence[Item]) -> None:
    """Write all reports, each whole or not at all."""
    for path in map(Path, paths):
        content = FORMATS[path.suffix](items).encode()
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            write_atomic(path, content, mode=0o644, durable=False)
        except OSError as error:
            raise RampartError(
                f"Could not write the report {path}: {error.strerror}.",
                next_step="choose a folder that you may write to",
            ) from error
