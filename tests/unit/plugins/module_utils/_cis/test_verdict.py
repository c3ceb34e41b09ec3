# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._cis import report
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import (
    Definition,
    Explanation,
    Finding,
    Outcome,
    Status,
    explanations_of,
)
from ansible_collections.rampart.k8s.plugins.module_utils._cis.verdict import combine, judge
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

PASS, FAIL, WARN, NONE = (Finding(status, (f"saw {status}",)) for status in Status)


@pytest.mark.parametrize(
    ("asked", "own", "expected", "source"),
    [
        (PASS, None, PASS, "kube-bench"),
        (WARN, None, WARN, "kube-bench"),
        (None, PASS, PASS, "rampart.k8s"),
        (WARN, PASS, PASS, "rampart.k8s"),
        (WARN, FAIL, FAIL, "rampart.k8s"),
        (PASS, FAIL, FAIL, "rampart.k8s"),
        (PASS, WARN, WARN, "rampart.k8s"),
        # A failure is never excused by a second opinion.
        (FAIL, PASS, FAIL, "kube-bench"),
        (FAIL, WARN, FAIL, "kube-bench"),
        # But a control about something that is not there has no answer.
        (FAIL, NONE, NONE, "rampart.k8s"),
    ],
)
def test_combine(asked: Finding | None, own: Finding | None, expected: Finding, source: str) -> None:
    assert combine(asked, own) == (expected, source)


def test_a_control_that_nobody_answers_is_a_warning() -> None:
    finding, source = combine(None, None)
    assert (finding.status, source) == (Status.WARN, "nobody")


def outcome(explained: bool = True) -> Outcome:
    definitions = [
        Definition("1.2.10", "Ensure ten", "do ten"),
        Definition("1.2.9", "Ensure | nine", "do nine"),
        Definition("5.1.1", "Ensure one", "do one"),
        Definition("4.3.1", "Ensure proxy", "do proxy"),
    ]
    asked = {"1.2.9": WARN, "1.2.10": PASS, "4.3.1": NONE}
    explanations = {"1.2.9": Explanation("it is so", "the owner")} if explained else {}
    known = {definition.id for definition in definitions}
    return judge(definitions, known, asked, {"5.1.1": FAIL}, explanations)


def test_controls_come_in_the_order_of_the_benchmark() -> None:
    assert [control.definition.id for control in outcome().controls] == ["1.2.9", "1.2.10", "4.3.1", "5.1.1"]


def test_a_violation_names_control_finding_and_fix() -> None:
    (violation,) = outcome().violations
    assert str(violation) == "5.1.1 Ensure one: saw FAIL. Fix: do one"


def test_an_unexplained_warning_is_a_violation() -> None:
    assert [violation.id for violation in outcome(explained=False).violations] == ["1.2.9", "5.1.1"]


def test_an_explanation_of_something_unknown_is_refused() -> None:
    with pytest.raises(RampartError, match=r"does not have: 9\.9\.9"):
        judge([], {"1.1.1"}, {}, {}, {"9.9.9": Explanation("x", "y")})


def test_a_failure_cannot_be_explained_away() -> None:
    judged = judge(
        [Definition("1.1.1", "x")], {"1.1.1"}, {"1.1.1": FAIL}, {}, {"1.1.1": Explanation("x", "y")}
    )
    assert len(judged.violations) == 1
    assert judged.controls[0].explanation == ""


@pytest.mark.parametrize(
    "given", ["text", {}, {"reason": "x"}, {"decided_by": "y"}, {"reason": "", "decided_by": "y"}]
)
def test_an_explanation_needs_a_reason_and_a_decider(given: object) -> None:
    with pytest.raises(RampartError, match=r"The explanation of 1\.1\.1"):
        explanations_of({"1.1.1": given})


def test_the_table_leaves_out_what_passed() -> None:
    lines = report.table(outcome())
    assert not any("1.2.10" in line for line in lines)
    assert any("it is so (decided by: the owner)" in line for line in lines)
    assert lines[-1] == "1 PASS, 1 FAIL, 1 WARN, 1 NOT APPLICABLE"


def test_json_report() -> None:
    data = json.loads(report.render("r.json", outcome()))
    assert not data["passed"]
    assert data["counts"] == {"PASS": 1, "FAIL": 1, "WARN": 1, "NOT APPLICABLE": 1}
    assert data["controls"][0]["decided_by"] == "the owner"


def test_markdown_report_keeps_its_columns() -> None:
    text = report.render("r.md", outcome()).decode()
    rows = [line for line in text.splitlines() if line.startswith("| 1.2.9")]
    assert rows[0].replace("\\|", "").count("|") == 6


def test_junit_report_fails_what_keeps_the_gate_shut() -> None:
    suite = ElementTree.fromstring(report.render("r.xml", outcome(explained=False)))  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["1.2.9 Ensure | nine", "5.1.1 Ensure one"]
    assert [case.get("name") for case in suite if case.find("skipped") is not None] == ["4.3.1 Ensure proxy"]


@pytest.mark.parametrize("name", ["r.json", "r.md", "r.xml"])
def test_an_unchanged_outcome_gives_an_unchanged_report(name: str) -> None:
    assert report.render(name, outcome()) == report.render(name, outcome())


def test_a_report_without_a_format_is_refused() -> None:
    with pytest.raises(RampartError, match="has no format"):
        report.writer(str(Path("/tmp/report.txt")))
