# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checklist is the guideline's: all of its items, each with gates that there are, or a reason."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.rampart.k8s.plugins.modules.service_verify import SPEC

from tests.unit.collection import ROOT, load

ITEMS: list[dict[str, Any]] = load("roles/checklist/defaults/main.yml")["checklist_items"]


def test_every_part_of_the_guideline_has_its_items() -> None:
    assert Counter(item["part"] for item in ITEMS) == {
        "Infrastructure Security": 6,
        "Application Security": 6,
        "Operational Security": 6,
        "Post-Deployment Validation": 5,
    }
    assert len({item["id"] for item in ITEMS}) == len(ITEMS)


@pytest.mark.parametrize("item", ITEMS, ids=[item["id"] for item in ITEMS])
def test_an_item_names_gates_that_leave_evidence_or_says_why_not(item: dict[str, Any]) -> None:
    gates = {proof["gate"] for proof in item.get("proofs", [])}
    assert gates <= set(load("meta/runtime.yml")["action_groups"]["evidence"])
    assert bool(gates) != bool(item.get("why"))


def test_the_example_says_what_the_gate_takes() -> None:
    known = load("examples/ai-backend/releases.yml")
    given = {name: known[f"checklist_{name}"] for name in ("tls", "plain", "requests")}
    found = ArgumentSpecValidator({name: SPEC.options[name] for name in given}).validate(given)
    assert found.error_messages == []
    assert all(given.values())


def test_the_table_shows_every_answer_with_its_evidence() -> None:
    answers = [
        {"id": "a-1", "text": "It holds", "verdict": "passed", "evidence": ["x:1"], "reasons": []},
        {"id": "a-2", "text": "Who knows", "verdict": "not proven", "evidence": [], "reasons": ["nobody"]},
        {"id": "a-3", "text": "No", "verdict": "failed", "evidence": list("bcde"), "reasons": ["it broke"]},
    ]
    result = {"answers": answers, "tallies": {"passed": 1, "failed": 1, "not_proven": 1}}
    text = (ROOT / "playbooks/templates/checklist.txt.j2").read_text(encoding="utf-8")
    templar = Templar(DataLoader(), variables={"checklist_result": result})
    shown = [
        line.split() for line in str(templar.template(trust_as_template(text))).splitlines() if line.strip()
    ]
    assert shown[1] == ["passed", "a-1", "It", "holds", "x:1"]
    assert shown[2:4] == [["NOT", "PROVEN", "a-2", "Who", "knows"], ["nobody"]]
    assert shown[4:6] == [["FAILED", "a-3", "No", "b", "c", "d", "..."], ["it", "broke"]]
    assert shown[6] == ["1", "passed,", "1", "failed,", "1", "not", "proven"]
