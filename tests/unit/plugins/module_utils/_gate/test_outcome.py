# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a gate ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import SHOWN, Gate, Outcome

DIGEST = "sha256:" + "0" * 64


def gate(folder: Path, *, check_mode: bool = False, **more: Any) -> Gate:
    parameters = {
        "report_only": False,
        "evidence_dir": str(folder / "evidence"),
        "evidence_play": {"host": "h", "play": None},
        **more,
    }
    return Gate.of(
        "example_gate",
        parameters,
        check_mode=check_mode,
        policy={"strict": True},
        tools={"tool": "1.0"},
        next_step="repair it",
    )


def outcome(name: str, *violations: str) -> Outcome:
    return Outcome(Subject("image", name, DIGEST), violations, [f"{name} soon"], ["e"], {"count": 1})


def test_a_pass_is_recorded_and_told(tmp_path: Path) -> None:
    plan = gate(tmp_path).conclude([outcome("a")], more="data")
    assert (plan.changed, plan.reason) == (False, "1 of 1 passed")
    assert plan.result["passed"] is True
    assert plan.result["warnings_found"] == ["a: a soon"]
    assert plan.result["more"] == "data"
    (stored,) = EvidenceStore(tmp_path / "evidence").verify().records
    assert [stored.id] == plan.result["evidence"]
    assert stored.record.verdict == "passed"
    assert stored.record.play == {"host": "h"}


def test_a_violation_shuts_the_gate_after_everything_was_recorded(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match=r"1 of 2 passed\. b: wrong\.") as caught:
        gate(tmp_path).conclude([outcome("a"), outcome("b", "wrong")])
    assert caught.value.next_step == "repair it"
    assert caught.value.details["violations"] == ["b: wrong"]
    records = EvidenceStore(tmp_path / "evidence").verify().records
    assert [stored.record.verdict for stored in records] == ["passed", "failed"]


def test_a_report_is_given_without_failing(tmp_path: Path) -> None:
    plan = gate(tmp_path, report_only=True).conclude([outcome("a", "wrong")])
    assert plan.result["passed"] is False


def test_check_mode_and_no_store_leave_no_evidence(tmp_path: Path) -> None:
    assert gate(tmp_path, check_mode=True).conclude([outcome("a")]).result["evidence"] == []
    assert gate(tmp_path, evidence_dir=None).conclude([outcome("a")]).result["evidence"] == []
    assert not list(tmp_path.iterdir())


def test_nothing_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="nothing to judge"):
        gate(tmp_path).conclude([])


def test_a_long_list_is_cut_in_the_message_and_whole_in_the_data(tmp_path: Path) -> None:
    many = [f"number {number}" for number in range(SHOWN + 5)]
    with pytest.raises(RampartError, match="and 5 more") as caught:
        gate(tmp_path).conclude([outcome("a", *many)])
    assert len(caught.value.details["violations"]) == SHOWN + 5
