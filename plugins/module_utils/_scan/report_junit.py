# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""JUnit: a subject is a suite, a finding is a test. Exceptions are skipped tests, with their reason."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ansible_collections.rampart.k8s.plugins.module_utils._scan.outcome import Run, Verdict, next_step
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import SCANNER, Finding, Outcome

LONGEST = 500

# What XML 1.0 cannot hold; a scanner repeats what stands in files of somebody else.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(run: Run) -> str:
    """Return the document."""
    suites = ElementTree.Element("testsuites", name="image_scan")
    for verdict in run.verdicts:
        suites.append(_suite(verdict, run.label(verdict), run.now.strftime("%Y-%m-%dT%H:%M:%S")))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)


def _suite(verdict: Verdict, label: str, time: str) -> ElementTree.Element:
    findings = [finding for finding in verdict.judged.findings if finding.outcome is not Outcome.TOLD]
    errors = [finding for finding in verdict.judged.violations if finding.kind == SCANNER]
    suite = ElementTree.Element(
        "testsuite",
        name=_clean(label),
        tests=str(len(findings) + 1),
        failures=str(len(verdict.judged.violations) - len(errors)),
        errors=str(len(errors)),
        skipped=str(sum(1 for finding in findings if finding.outcome is Outcome.EXCEPTED)),
        timestamp=time,
    )
    # A subject without findings is a test too, or a clean image would look like one that nobody judged.
    ElementTree.SubElement(suite, "testcase", classname=_clean(label), name=f"judged {verdict.digest}")
    for finding in findings:
        suite.append(_case(label, finding))
    return suite


def _case(label: str, finding: Finding) -> ElementTree.Element:
    name = f"{finding.name} {finding.target}".strip()
    case = ElementTree.Element("testcase", classname=_clean(label), name=_clean(name))
    said = _clean(str(finding))
    if finding.outcome is Outcome.BLOCKED:
        kind = "error" if finding.kind == SCANNER else "failure"
        element = ElementTree.SubElement(case, kind, message=said[:LONGEST])
        element.text = _clean(f"{said}\n{next_step(finding)}")
    elif finding.outcome is Outcome.EXCEPTED:
        ElementTree.SubElement(case, "skipped", message=_clean(finding.why)[:LONGEST])
    return case
