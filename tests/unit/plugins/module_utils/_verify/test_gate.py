# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._verify import gate
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict

DENIED = Proof("eve reads secrets", Verdict.HELD, True)
ALLOWED = Proof("ana reads pods", Verdict.HELD, False)
BROKEN = Proof("eve reads secrets", Verdict.BROKEN, True, "is allowed")
VACUOUS = Proof("a to b", Verdict.VACUOUS, True, "nobody gets an answer there")
OPEN = Proof("tls 1.1", Verdict.NOT_PROVEN, True, "cannot be tried here")


def test_a_gate_opens_when_everything_held_and_something_was_refused() -> None:
    result = gate.judge("access", [DENIED, ALLOWED])
    assert result["passed"]
    assert result["counts"] == {"proved": 2, "denied": 1, "allowed": 1, "violations": 0, "not_proven": 0}


@pytest.mark.parametrize("proofs", [[], [ALLOWED]])
def test_where_nothing_was_refused_nothing_is_proved(proofs: list[Proof]) -> None:
    result = gate.judge("access", proofs)
    assert not result["passed"]
    assert result["violations"] == ["access: nothing was refused, so nothing is proved"]


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        (BROKEN, "eve reads secrets: is allowed"),
        (VACUOUS, "a to b: nobody gets an answer there (proves nothing)"),
    ],
)
def test_a_broken_and_a_vacuous_proof_shut_it(proof: Proof, said: str) -> None:
    result = gate.judge("access", [DENIED, proof])
    assert not result["passed"]
    assert result["violations"] == [said]


def test_what_was_not_tried_shuts_it_unless_allowed() -> None:
    assert not gate.judge("endpoints", [DENIED, OPEN])["passed"]
    plan = gate.conclude("endpoints", [DENIED, OPEN], report_only=False, allow_not_proven=True)
    assert plan.result["passed"]
    assert plan.result["not_proven"] == ["tls 1.1: cannot be tried here"]


def test_allowing_what_was_not_tried_forgives_no_violation() -> None:
    with pytest.raises(RampartError, match="eve reads secrets: is allowed"):
        gate.conclude("access", [OPEN, BROKEN], report_only=False, allow_not_proven=True)


def test_a_shut_gate_fails_with_the_verdict_as_data() -> None:
    with pytest.raises(RampartError, match=r"2 proved \(1 refusals, 1 controls\), 1 violations") as caught:
        gate.conclude("access", [DENIED, ALLOWED, BROKEN], report_only=False, allow_not_proven=False)
    assert caught.value.details["violations"] == ["eve reads secrets: is allowed"]
    assert caught.value.next_step


def test_a_long_list_is_cut_in_the_message_only() -> None:
    many = [Proof(f"cell {number}", Verdict.BROKEN, True) for number in range(gate.SHOWN + 5)]
    with pytest.raises(RampartError, match="and 5 more") as caught:
        gate.conclude("access", many, report_only=False, allow_not_proven=False)
    assert len(caught.value.details["violations"]) == gate.SHOWN + 5


def test_a_report_returns_the_verdict_without_failing() -> None:
    plan = gate.conclude("access", [BROKEN], report_only=True, allow_not_proven=False, extra=1)
    assert not plan.changed
    assert not plan.result["passed"]
    assert plan.result["extra"] == 1


def test_check_mode_never_counts_as_proof() -> None:
    plan = gate.would("network", "12 packets")
    assert not plan.changed
    assert not plan.result["passed"]
    assert plan.result["not_proven"]
