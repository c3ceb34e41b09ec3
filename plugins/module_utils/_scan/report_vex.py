# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""CycloneDX VEX of one subject: what is found, what is decided about it, and until when."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Vulnerability
from ansible_collections.rampart.k8s.plugins.module_utils._scan.outcome import Run, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._scan.purl import Purl
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import VULNERABILITY, Finding, Outcome

_WORDS = {Severity.NEGLIGIBLE: "info"}


def render(verdict: Verdict, run: Run) -> str:
    """Return the document."""
    reference = verdict.digest or verdict.line
    found = [finding for finding in verdict.judged.findings if finding.kind == VULNERABILITY]
    packages = sorted({finding.vulnerability.package for finding in found if finding.vulnerability})
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The same subject at the same time is the same document.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{reference} {run.now.strftime(TIME)}')}",
        "version": 1,
        "metadata": {
            "timestamp": run.now.strftime(TIME),
            "component": {
                "type": "container",
                "name": verdict.line,
                "version": reference,
                "bom-ref": reference,
            },
        },
        "components": [_component(package) for package in packages],
        "vulnerabilities": [
            _row(finding, finding.vulnerability) for finding in found if finding.vulnerability is not None
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _component(package: Purl) -> dict[str, str]:
    return {
        "type": "library",
        "name": package.name,
        "version": package.version,
        "purl": str(package),
        "bom-ref": str(package),
    }


def _row(finding: Finding, one: Vulnerability) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": one.name,
        "references": [
            {"id": name, "source": {"name": name.partition("-")[0]}}
            for name in sorted(one.names - {one.name})
        ],
        "ratings": [
            {"source": {"name": f"{source} by {scanner}"}, "severity": _word(level)}
            for scanner, sources in one.said.items()
            for source, level in sorted(sources.items())
        ],
        "affects": [{"ref": str(one.package)}],
        "analysis": _analysis(finding, one),
    }
    if one.title:
        row["description"] = one.title
    if one.fix:
        row["recommendation"] = f"Update to {one.fix}."
    return row


def _word(level: Severity) -> str:
    return _WORDS.get(level, level.name.lower())


def _analysis(finding: Finding, one: Vulnerability) -> dict[str, Any]:
    # An exception accepts a risk for a time. It does not say that the image is not affected.
    accepted = finding.outcome is Outcome.EXCEPTED
    response = ["will_not_fix"] if accepted else (["update"] if one.fix else ["can_not_fix"])
    return {
        "state": "exploitable" if accepted or one.exploited else "in_triage",
        "response": response,
        "detail": finding.why,
    }
