# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.callback import stages


def play(name: str) -> SimpleNamespace:
    return SimpleNamespace(get_name=lambda: name)


GREEN = SimpleNamespace(failures={}, dark={})
RED = SimpleNamespace(failures={"local": 1}, dark={})


def outcome(**result: Any) -> SimpleNamespace:
    return SimpleNamespace(
        result=result,
        host=SimpleNamespace(get_name=lambda: "local"),
        task=SimpleNamespace(get_name=lambda: "Do it"),
    )


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> tuple[stages.CallbackModule, list[str]]:
    lines: list[str] = []
    callback = stages.CallbackModule()
    monkeypatch.setattr(callback, "get_option", {}.get)
    callback._display = SimpleNamespace(
        banner=lines.append, display=lambda text, color=None: lines.append(text)
    )
    ticks = iter(range(0, 1000, 10))
    monkeypatch.setattr("time.monotonic", lambda: float(next(ticks)))
    return callback, lines


def test_each_stage_has_a_line_with_its_time(shown: tuple[stages.CallbackModule, list[str]]) -> None:
    callback, lines = shown
    callback.v2_playbook_on_play_start(play("Tools"))
    callback.v2_runner_on_ok(outcome(changed=True))
    callback.v2_runner_on_ok(outcome(changed=False))
    callback.v2_playbook_on_play_start(play("Cluster"))
    callback.v2_runner_on_ok(outcome())
    callback.v2_playbook_on_stats(GREEN)
    assert lines[0] == "STAGES"
    assert lines[1].split() == ["Tools", "10.0", "s", "2", "tasks", "1", "changed"]
    assert lines[2].split() == ["Cluster", "10.0", "s", "1", "tasks", "unchanged"]
    assert lines[3].split() == ["all", "20.0", "s"]


def test_a_failure_is_repeated_at_the_end(shown: tuple[stages.CallbackModule, list[str]]) -> None:
    callback, lines = shown
    callback.v2_playbook_on_play_start(play("Tools"))
    callback.v2_runner_on_failed(outcome(msg="It broke. Next step: mend it"))
    callback.v2_playbook_on_stats(RED)
    assert lines[1].endswith("FAILED")
    assert lines[-1] == "\nFAILED: local: Do it: It broke. Next step: mend it"


def test_an_ignored_failure_is_none(shown: tuple[stages.CallbackModule, list[str]]) -> None:
    callback, lines = shown
    callback.v2_playbook_on_play_start(play("Tools"))
    callback.v2_runner_on_failed(outcome(msg="expected"), ignore_errors=True)
    callback.v2_playbook_on_stats(GREEN)
    assert not any("FAILED" in line for line in lines)


def test_a_rescued_failure_is_none(shown: tuple[stages.CallbackModule, list[str]]) -> None:
    callback, lines = shown
    callback.v2_playbook_on_play_start(play("Verify"))
    callback.v2_runner_on_failed(outcome(msg="refused, as it must be"))
    callback.v2_runner_on_failed(outcome(msg="the real one"))
    callback.v2_playbook_on_stats(RED)
    assert not any("refused" in line for line in lines)
    assert lines[-1].endswith("the real one")


def test_a_host_that_is_gone_has_failed(shown: tuple[stages.CallbackModule, list[str]]) -> None:
    callback, lines = shown
    callback.v2_playbook_on_play_start(play("Verify"))
    callback.v2_runner_on_unreachable(outcome(msg="no route"))
    callback.v2_playbook_on_stats(SimpleNamespace(failures={}, dark={"local": 1}))
    assert lines[-1].endswith("no route")


@pytest.mark.parametrize("marker", ["_ansible_no_log", "censored"])
def test_a_hidden_task_stays_hidden(marker: str) -> None:
    worded = stages.describe("Write the key", {marker: True, "msg": "hunter2-hunter2"})
    assert "hunter2" not in worded
    assert stages.HIDDEN in worded


def test_a_run_without_a_play_says_nothing(shown: tuple[stages.CallbackModule, list[str]]) -> None:
    callback, lines = shown
    callback.v2_playbook_on_stats(GREEN)
    assert lines == []


def test_a_junit_file_holds_a_case_for_each_stage(
    shown: tuple[stages.CallbackModule, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    callback, _lines = shown
    file = tmp_path / "new/folder/stages.xml"
    monkeypatch.setattr(callback, "get_option", {"junit_file": str(file)}.get)
    callback.v2_playbook_on_play_start(play("Tools"))
    callback.v2_runner_on_ok(outcome())
    callback.v2_playbook_on_play_start(play("Cluster"))
    callback.v2_runner_on_failed(outcome(msg="It broke <\x00>"))
    callback.v2_playbook_on_stats(RED)
    suite, tools, cluster, failure = (line.strip() for line in file.read_text().splitlines()[1:5])
    assert '<testsuite name="stages" tests="2" failures="1" time="20.000"' in suite
    assert tools == '<testcase classname="stages" name="Tools" time="10.000" />'
    assert cluster == '<testcase classname="stages" name="Cluster" time="10.000">'
    assert failure == '<failure message="local: Do it: It broke &lt;?&gt;" />'
