# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""dockle: how an image is configured (CIS Docker Benchmark, section 4, and its own checks)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import (
    TAIL,
    Adapter,
    Input,
    Output,
    mapping,
    rows,
    whole_json,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Check, Kind, Report
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import parse
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble

LEVELS = ("fatal", "warn", "info", "skip")
MOST_DETAILS = 20
# It knows files with credentials by their names alone, and an installed Python package may have a module
# that is called so (settings.py). What stands in modules is judged by trivy, which reads them.
BY_NAME = "CIS-DI-0010"
MODULE = re.compile(r"Suspicious filename found : \S*/(?:dist|site)-packages/[^/\s]+/\S+\.py ")


class Dockle(Adapter):
    """Reads `dockle -f json`."""

    name = "dockle"
    versions = ">=0.4.15,<0.5"
    kinds = frozenset({Kind.IMAGE})

    def arguments(self, item: Input, report: Path, timeout: float) -> list[str]:
        return [
            "--format=json",
            f"--output={report}",
            f"--timeout={int(timeout)}s",
            f"--input={item.path}",
        ]

    def complaint(self, output: Output) -> str:
        # It tells its errors on standard output, which is why the report goes to a file.
        both = Output(output.rc, "", f"{output.stderr}\n{output.stdout}", output.report)
        return super().complaint(both)[:TAIL]

    def read(self, text: str, item: Input, version: str) -> Report:
        report = mapping(whole_json(text), "the report")
        summary = mapping(report.get("summary"), "summary")
        details = rows(report.get("details"), "details")
        listed = dict.fromkeys(LEVELS, 0)
        for row in details:
            level = str(row.get("level", "")).lower()
            if level not in listed or not row.get("code"):
                raise ScannerError(Trouble.INVALID, f"it has a check of the level {row.get('level')!r}")
            listed[level] += 1
        counted = {level: summary.get(level) for level in LEVELS}
        if counted != listed:
            raise ScannerError(Trouble.INVALID, f"it counts {counted}, but lists {listed}")
        tried = sum(listed.values()) + int(summary.get("pass") or 0)
        if tried == 0:
            raise ScannerError(Trouble.EMPTY, "no check was made")
        skipped = [f"{row['code']} skipped" for row in details if str(row["level"]).lower() == "skip"]
        modules = [row for row in details if _only_modules(row)]
        skipped += [f"{row['code']} told of modules of installed packages only" for row in modules]
        return Report(
            scanner=self.name,
            version=version,
            checks=tuple(
                Check(
                    rule=str(row["code"]),
                    severity=parse(str(row["level"])),
                    title=str(row.get("title", "")),
                    details=tuple(_alerts(row)[:MOST_DETAILS]),
                )
                for row in details
                if str(row["level"]).lower() != "skip" and row not in modules
            ),
            tried=tried,
            notes=tuple(skipped),
        )


def _alerts(row: Mapping[str, Any]) -> list[str]:
    """Return what a check found, without modules that are suspected by their names."""
    found = [str(alert) for alert in row.get("alerts") or ()]
    return [alert for alert in found if row["code"] != BY_NAME or not MODULE.match(alert)]


def _only_modules(row: Mapping[str, Any]) -> bool:
    return bool(row.get("alerts")) and not _alerts(row)
