# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""hadolint: how a Dockerfile is written."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import (
    Adapter,
    Input,
    Output,
    mapping,
    whole_json,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Check, Kind, Report
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import parse
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble


class Hadolint(Adapter):
    """Reads `hadolint -f json`."""

    name = "hadolint"
    versions = ">=2.15.0,<2.16"
    kinds = frozenset({Kind.DOCKERFILE})

    def arguments(self, item: Input, report: Path, timeout: float) -> list[str]:
        # --no-fail: findings are not an error of the tool. Pragmas in the file are exceptions without
        # an owner and an end, so they do not count.
        return ["--no-fail", "--disable-ignore-pragma", "--format=json", "--no-color", str(item.path)]

    def gather(self, output: Output) -> str:
        # It has no option for a file.
        return output.stdout

    def read(self, text: str, item: Input, version: str) -> Report:
        lines = item.path.read_text(encoding="utf-8", errors="replace").splitlines()
        if not any(line.lstrip()[:5].upper() == "FROM " for line in lines):
            raise ScannerError(Trouble.EMPTY, f"{item.name} has no FROM, so there is nothing to judge")
        found = whole_json(text)
        if not isinstance(found, list):
            raise ScannerError(Trouble.INVALID, "the report is no list")
        checks = []
        for entry in found:
            row = mapping(entry, "an entry")
            if not row.get("code"):
                raise ScannerError(Trouble.INVALID, "a finding has no code")
            line = row.get("line")
            checks.append(
                Check(
                    rule=str(row["code"]),
                    severity=parse(str(row.get("level", ""))),
                    title=str(row.get("message", "")),
                    path=item.name,
                    line=line if isinstance(line, int) else 0,
                )
            )
        return Report(scanner=self.name, version=version, checks=tuple(checks), tried=1)
