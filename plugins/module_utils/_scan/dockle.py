# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""dockle: how an image is configured (CIS Docker Benchmark, section 4, and its own checks)."""

from __future__ import annotations

from pathlib import Path

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
        skipped = tuple(f"{row['code']} skipped" for row in details if str(row["level"]).lower() == "skip")
        return Report(
            scanner=self.name,
            version=version,
            checks=tuple(
                Check(
                    rule=str(row["code"]),
                    severity=parse(str(row["level"])),
                    title=str(row.get("title", "")),
                    details=tuple(str(alert) for alert in (row.get("alerts") or ())[:MOST_DETAILS]),
                )
                for row in details
                if str(row["level"]).lower() != "skip"
            ),
            tried=tried,
            notes=skipped,
        )
