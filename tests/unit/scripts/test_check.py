# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from scripts import check
from scripts.check import Outcome, Stage

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def venvs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let stages run by this Python, and keep their output apart."""
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to(sys.executable)
    monkeypatch.setattr(check, "VENVS", {"oldest": tmp_path / "venv"})
    monkeypatch.setattr(check, "LOGS", tmp_path)


def stage(
    name: str, code: str = "", lane: str = "", *, required: bool = False, always: bool = False
) -> Stage:
    command = [sys.executable, "-c", code]
    return Stage("test", name, command, lane=lane, required=required, always=always)


def verdicts(outcomes: list[Outcome]) -> dict[str, str]:
    return {
        each.stage.name: "not run" if each.not_run else "failed" if each.failed else "passed"
        for each in outcomes
    }


def test_every_scenario_runs_exactly_once() -> None:
    run = Counter(each.name for each in check.stages("test") if each.name.startswith("molecule "))
    listed = {path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")} - {"default"}
    assert {f"molecule {name}" for name in listed} <= set(run)
    assert set(run.values()) == {1}


def test_every_suite_reads_and_no_two_stages_share_a_log() -> None:
    for suite in ("lint", "fast-test", "test", "faults", "bench"):
        names = [each.name for each in check.stages(suite)]
        assert names
        assert len(names) == len(set(names))


def test_a_required_stage_stops_what_follows_but_not_the_tidying_up() -> None:
    outcomes = check.run_all(
        [
            stage("first"),
            stage("needed", "raise SystemExit(3)", required=True),
            stage("next"),
            stage("beside", lane="a"),
            stage("tidy", lane="a", always=True),
        ]
    )
    assert verdicts(outcomes) == {
        "first": "passed",
        "needed": "failed",
        "next": "not run",
        "beside": "not run",
        "tidy": "passed",
    }


def test_a_required_stage_of_a_lane_stops_its_lane_only() -> None:
    outcomes = check.run_all(
        [
            stage("needed", "raise SystemExit(3)", lane="a", required=True),
            stage("after it", lane="a"),
            stage("other", lane="b"),
            stage("later"),
        ]
    )
    assert verdicts(outcomes) == {
        "needed": "failed",
        "after it": "not run",
        "other": "passed",
        "later": "passed",
    }


def test_lanes_run_beside_each_other_and_each_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    both = threading.Barrier(2, timeout=20)
    order: list[str] = []

    def meet(one: Stage) -> Outcome:
        both.wait()
        order.append(one.name)
        return Outcome(one, passed=1)

    monkeypatch.setattr(check, "run", meet)
    names = ("a1", "b1", "a2", "b2")
    check.run_all([stage(name, lane=name[0]) for name in names])
    assert order.index("a1") < order.index("a2")
    assert order.index("b1") < order.index("b2")


def test_the_reasons_of_a_failure_are_kept_for_the_end() -> None:
    said = "print('noise'); print('FAILED tests/x.py::y - boom'); raise SystemExit(1)"
    outcome = check.run(stage("red", said))
    assert outcome.failed == 1
    assert outcome.reasons == ["FAILED tests/x.py::y - boom"]


def test_a_reason_that_ansible_broke_into_lines_is_whole() -> None:
    said = ["ok: [one]", "msg: 'GET /x at y (context", "z) failed: the connection was refused.'", "", "RECAP"]
    assert check.reasons(said) == said[1:3]
    assert len(check.reasons(["msg: long", *["more"] * 9])) == check.REASON_LINES


def test_a_stage_whose_program_is_missing_is_told_and_not_counted() -> None:
    outcome = check.run(Stage("test", "absent", ["true"], needs="no-such-program"))
    assert (outcome.passed, outcome.failed) == (0, 0)
    assert outcome.not_run == ["absent: no-such-program is not installed"]
