# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor

SPEC = ArgumentSpec({"secret": {"type": "str", "no_log": True}})
SECRET = "correct-horse-battery"


class Work:
    """A module's operation of which each part can be made to fail."""

    def __init__(self, *, changed: bool = True, fails: Exception | None = None) -> None:
        self.changed, self.fails, self.applied = changed, fails, False

    def plan(self) -> Plan:
        if self.fails:
            raise self.fails
        return Plan(changed=self.changed, reason="because", before={}, after={"x": SECRET})

    def apply(self, plan: Plan) -> Plan:
        self.applied = True
        return plan


def outcome(work: Work, capsys: pytest.CaptureFixture[str], **arguments: Any) -> tuple[dict[str, Any], Any]:
    def build(_unused: AnsibleModule, redactor: Redactor) -> Work:
        redactor.add(SECRET)
        return work

    with patch_module_args(arguments), pytest.raises(SystemExit) as ended:
        run(SPEC, build)
    return json.loads(capsys.readouterr().out), ended.value.code


def test_a_change_is_applied(capsys: pytest.CaptureFixture[str]) -> None:
    work = Work()
    result, code = outcome(work, capsys)
    assert (result["changed"], result["reason"], work.applied, code) == (True, "because", True, 0)
    assert "diff" not in result


def test_check_mode_stops_between_plan_and_apply(capsys: pytest.CaptureFixture[str]) -> None:
    work = Work()
    result, _unused = outcome(work, capsys, _ansible_check_mode=True, _ansible_diff=True)
    assert (result["changed"], work.applied) == (True, False)
    assert SECRET not in json.dumps(result)


def test_nothing_is_applied_when_nothing_changes(capsys: pytest.CaptureFixture[str]) -> None:
    work = Work(changed=False)
    result, _unused = outcome(work, capsys)
    assert (result["changed"], work.applied) == (False, False)


def test_a_foreseen_failure_is_told_with_its_details(capsys: pytest.CaptureFixture[str]) -> None:
    error = RampartError(f"Could not use {SECRET}.", next_step="change it", objects=["a"])
    result, code = outcome(Work(fails=error), capsys)
    assert code == 1
    assert result["failed"] is True
    assert result["next_step"] == "change it"
    assert result["objects"] == ["a"]
    assert result["msg"] == "Could not use ********. Next step: change it"


def test_an_unforeseen_failure_shows_places_and_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    result, code = outcome(Work(fails=KeyError("unknown-" + SECRET)), capsys, secret="other-secret-text")
    shown = json.dumps(result)
    assert code == 1
    assert "KeyError" in result["msg"]
    assert any(place.startswith("plan (") for place in result["places"])
    assert SECRET not in shown
    assert "other-secret-text" not in shown
    assert "Traceback" not in shown
