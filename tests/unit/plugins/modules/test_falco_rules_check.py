# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate of rules, as Ansible runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import call

RIGHT = "- rule: R\n  desc: d\n  condition: evt.type = execve\n  output: x\n  priority: NOTICE\n"
WRONG = RIGHT.replace("evt.type", "evt.typ")


def check(*texts: str, **more: Any) -> dict[str, Any]:
    files = [{"path": f"{number}.yaml", "content": text} for number, text in enumerate(texts)]
    return call("falco_rules_check", {"files": files, **more})


def test_right_rules_pass_and_come_back_flat() -> None:
    answer = check(RIGHT)
    assert (answer["changed"], answer["passed"], answer["counts"]["rules"]) == (False, True, 1)
    assert [each["rule"] for each in answer["rules"]] == ["R"]


def test_wrong_rules_shut_the_gate_and_do_not_come_back() -> None:
    answer = check(WRONG)
    assert answer["failed"]
    assert "0.yaml:1: rule R: condition: nobody knows the field evt.typ" in answer["reason"]
    assert answer["findings"][0]["line"] == 1
    told = check(WRONG, report_only=True)
    assert (told.get("failed", False), told["passed"], told["rules"]) == (False, False, [])


@pytest.mark.parametrize("texts", [(), ("- list: a\n  items: []\n",), (RIGHT + "  enabled: false\n",)])
def test_nothing_is_not_a_pass(texts: tuple[str, ...]) -> None:
    assert check(*texts)["failed"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    answer = call("falco_rules_check", {"files": [{"path": str(tmp_path / "none.yaml")}]})
    assert "none.yaml: No such file" in answer["msg"]


def test_the_verdict_is_recorded(tmp_path: Path) -> None:
    answer = check(RIGHT, evidence_dir=str(tmp_path / "evidence"))
    assert len(answer["evidence"]) == 1
