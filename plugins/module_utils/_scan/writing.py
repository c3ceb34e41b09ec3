# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes all reports of a run, each whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import leftovers, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._scan import (
    renderings,
    report_html,
    report_junit,
    report_sarif,
    report_table,
    report_vex,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.outcome import Run, Verdict, as_row
from ansible_collections.rampart.k8s.plugins.module_utils._scan.subjects import BY_NAME

SARIF, JUNIT, HTML, JSON, TABLE = "scan.sarif", "scan.junit.xml", "scan.html", "scan.json", "scan.txt"


def folder_of(line: str) -> str:
    """Return the folder of a line's own reports; two lines that look alike have two."""
    mark = hashlib.sha256(line.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '_', line)[:60].strip('._') or 'image'}-{mark}"


def render(run: Run) -> dict[str, str]:
    """Return the content of every report by its place below the folder."""
    texts = {
        SARIF: report_sarif.render(run),
        JUNIT: report_junit.render(run),
        HTML: report_html.render(run),
        TABLE: "\n".join(report_table.table(run)) + "\n",
        JSON: _json(run),
    }
    for verdict in run.verdicts:
        folder = folder_of(run.label(verdict))
        texts[f"{folder}/vex.cdx.json"] = report_vex.render(verdict, run)
        for name, text in renderings.render(run.exemptions, found(verdict), run.now).items():
            texts[f"{folder}/exceptions/{name}"] = text
    return texts


def found(verdict: Verdict) -> renderings.Found:
    """Return what exceptions of this subject can be about."""
    subject = verdict.examined.subject
    return renderings.Found(
        verdict.digest,
        subject.place if subject.source in BY_NAME else subject.line,
        verdict.merged.vulnerabilities,
        [check for _scanner, check in verdict.merged.checks],
    )


def _json(run: Run) -> str:
    document = {
        "time": run.now.strftime(TIME),
        "environment": run.environment,
        "policy": run.policy_digest,
        "passed": run.passed,
        "reason": run.reason,
        "warnings": list(run.warnings),
        "unused_exceptions": list(run.unused),
        "expired_exceptions": list(run.expired),
        "images": [
            {
                **verdict.as_data(limit=None),
                "findings": [as_row(finding) for finding in verdict.judged.findings],
                "packages": [str(package) for package in verdict.merged.packages],
            }
            for verdict in run.verdicts
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Write the reports and return their paths."""
    try:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            for leftover in leftovers(path):
                leftover.unlink(missing_ok=True)
            # A name of an image is not text that every encoding has.
            content = text.encode("utf-8", errors="replace")
            if not path.is_file() or path.read_bytes() != content:
                # The next run writes them again; only evidence has to outlast a loss of power.
                write_atomic(path, content, mode=0o644, durable=False)
    except OSError as error:
        raise RampartError(
            f"Could not make the folder of the reports below {folder}: {error.strerror}.",
            next_step="choose a folder that you may write to",
        ) from error
    return [str(folder / name) for name in texts]
