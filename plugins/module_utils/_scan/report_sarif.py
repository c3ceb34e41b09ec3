# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""SARIF 2.1.0: one run per subject, for code scanning and for everything that collects findings."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.outcome import Run, Verdict, as_row
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import (
    CHECK,
    VULNERABILITY,
    Finding,
    Outcome,
)

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

# How severe a finding is on the scale from 0 to 10 that code scanning sorts by.
_SCORES = {"CRITICAL": "9.5", "HIGH": "8.0", "MEDIUM": "5.5", "LOW": "2.0", "NEGLIGIBLE": "0.5"}


def render(run: Run) -> str:
    """Return the document."""
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [_run(verdict, run) for verdict in run.verdicts],
    }
    return json.dumps(document, indent=2) + "\n"


def _run(verdict: Verdict, run: Run) -> dict[str, Any]:
    findings = [finding for finding in verdict.judged.findings if finding.outcome is not Outcome.TOLD]
    ids = sorted({finding.name for finding in findings})
    first = {finding.name: finding for finding in reversed(findings)}
    return {
        "tool": {
            "driver": {
                "name": "rampart.k8s image_scan",
                "rules": [_rule(first[name]) for name in ids],
            },
            "extensions": [
                {"name": report.scanner, "version": report.version} for report in verdict.examined.reports
            ],
        },
        "automationDetails": {"id": f"image_scan/{run.label(verdict)}/"},
        "invocations": [
            {
                "executionSuccessful": verdict.judged.verdict != "error",
                "endTimeUtc": run.now.strftime(TIME),
            }
        ],
        "properties": {
            "digest": verdict.digest,
            "verdict": verdict.judged.verdict,
            "policy": run.policy_digest,
            "environment": run.environment,
        },
        "results": [_result(verdict, finding, ids.index(finding.name)) for finding in findings],
    }


def _rule(finding: Finding) -> dict[str, Any]:
    row = as_row(finding)
    tags = ["security", finding.kind]
    tags += [f"CIS-Docker-{row['cis_docker']}"] if row["cis_docker"] else []
    tags += [f"NIST-800-190-{row['nist_800_190']}"] if row["nist_800_190"] else []
    rule: dict[str, Any] = {
        "id": finding.name,
        "shortDescription": {"text": finding.title or finding.name},
        "properties": {"tags": tags},
    }
    score = _SCORES.get(row["severity"])
    if score:
        rule["properties"]["security-severity"] = score
    if finding.vulnerability is not None and finding.vulnerability.link.startswith("https://"):
        rule["helpUri"] = finding.vulnerability.link
    return rule


def _level(severity: Severity | None) -> str:
    if severity is None or severity >= Severity.HIGH or severity is Severity.UNKNOWN:
        return "error"
    return "warning" if severity is Severity.MEDIUM else "note"


def _result(verdict: Verdict, finding: Finding, index: int) -> dict[str, Any]:
    mark = hashlib.sha256(f"{verdict.line}\0{finding.name}\0{finding.target}".encode()).hexdigest()
    result: dict[str, Any] = {
        "ruleId": finding.name,
        "ruleIndex": index,
        "level": _level(finding.severity),
        "message": {"text": str(finding)},
        "locations": [_location(verdict, finding)],
        "partialFingerprints": {"finding/v1": mark},
        "properties": as_row(finding),
    }
    if finding.outcome is Outcome.EXCEPTED:
        result["suppressions"] = [{"kind": "external", "justification": finding.why}]
    return result


def _location(verdict: Verdict, finding: Finding) -> dict[str, Any]:
    place, line = verdict.line, 1
    if finding.kind == CHECK and finding.target:
        place, _colon, number = finding.target.rpartition(":")
        place, line = (place, int(number)) if number.isdigit() and place else (finding.target, 1)
    elif finding.vulnerability is not None and finding.vulnerability.paths:
        place = f"{verdict.line}/{finding.vulnerability.paths[0]}"
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.lstrip("/"))},
            "region": {"startLine": max(1, line)},
        }
    }
    if finding.kind == VULNERABILITY:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.target, "kind": "module"}]
    return location
