# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify import packets
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.packets import Answer
from ansible_collections.rampart.k8s.plugins.module_utils._verify.places import End
from ansible_collections.rampart.k8s.plugins.module_utils._verify.truth_table import Cell

from tests.support.packets import CELLS, cell, cells, network_policy

YES, TOLD, NONE = Answer.YES, Answer.TOLD, Answer.NONE
TCP = "rampart-verify/other to dev/api port 8000"
UDP = "rampart-verify/other to dev/api port 8081/UDP"
SERVER = "dev/api to the API server"
METADATA = "dev/api to the cloud's metadata"
NAMED = "dev/api to 198.18.77.2:443"
DOCUMENTED = "dev/api to 203.0.113.1:443"


def heard(each: Cell) -> Answer:
    """What a network says that lets a packet through: a shut UDP port speaks up."""
    return TOLD if each.port.protocol == "UDP" and not isinstance(each.target, End) else YES


def perfect(table: list[Cell] = CELLS) -> dict[Cell, Answer]:
    """What a network does that obeys."""
    return {each: heard(each) if each.allowed else NONE for each in table}


def silent(*texts: str) -> dict[Cell, Answer]:
    """The same, but from some ends nobody gets an answer."""
    return {
        each: NONE if any(str(each).endswith(text) for text in texts) else answer
        for each, answer in perfect().items()
    }


def proofs(answers: dict[Cell, Answer], table: list[Cell] = CELLS) -> dict[str, Proof]:
    return {proof.claim: proof for proof in packets.judge(table, answers)}


def test_a_network_that_obeys_is_proved() -> None:
    found = proofs(perfect())
    assert {proof.verdict for proof in found.values()} == {Verdict.HELD}
    assert {TCP, UDP, SERVER, METADATA, NAMED, DOCUMENTED} < set(found)
    assert packets.enforces(perfect())
    assert not packets.undecided(perfect())


def test_a_network_that_enforces_nothing_is_seen_through() -> None:
    answers = {each: heard(each) for each in CELLS}
    assert not packets.enforces(answers)
    found = proofs(answers)
    for claim in (TCP, UDP, SERVER, METADATA, NAMED, DOCUMENTED):
        assert found[claim].verdict is Verdict.BROKEN
    assert (
        found[TCP].observed == "it must be refused and arrives (refused on the way in by dev/deny, dev/api)"
    )


def test_a_dead_network_proves_nothing() -> None:
    found = proofs(dict.fromkeys(CELLS, NONE))
    assert Verdict.HELD not in {proof.verdict for proof in found.values()}
    assert found[TCP].verdict is Verdict.VACUOUS
    assert found[UDP].verdict is Verdict.NOT_PROVEN
    assert found[SERVER].verdict is Verdict.VACUOUS
    assert found["web/other to the API server"].verdict is Verdict.BROKEN


def test_a_listener_that_does_not_listen_makes_its_refusals_worthless() -> None:
    found = proofs(silent("to dev/api port 8000"))
    assert found["dev/api listens on port 8000"].verdict is Verdict.BROKEN
    assert found[TCP].verdict is Verdict.VACUOUS


@pytest.mark.parametrize(
    ("claim", "answer"),
    [
        ("web/other to dev/api port 8000", NONE),
        ("web/other to dev/api port 8000", TOLD),
        ("web/other to rampart-verify/other port 8081/UDP", NONE),
        ("web/other to the API server", NONE),
        ("web/other to the cluster's DNS", NONE),
        (TCP, YES),
        (UDP, TOLD),
        (SERVER, YES),
        (METADATA, YES),
        ("a walled-in pod to the cluster's DNS over TCP", YES),
    ],
)
def test_one_packet_that_does_otherwise_is_a_violation(claim: str, answer: Answer) -> None:
    answers = perfect() | {cell(claim): answer}
    assert proofs(answers)[claim].verdict is Verdict.BROKEN


def test_a_probe_without_an_answer_proves_nothing() -> None:
    answers = {each: answer for each, answer in perfect().items() if str(each.source) != "web/other"}
    assert proofs(answers)["web/other to dev/api port 8000"].verdict is Verdict.NOT_PROVEN


def test_a_refusal_with_a_reset_is_one_where_somebody_listens() -> None:
    found = proofs(perfect() | {cell(TCP): TOLD, cell(SERVER): TOLD})
    assert found[TCP].verdict is found[SERVER].verdict is Verdict.HELD


def test_udp_is_not_proved_where_no_shut_port_speaks_up_between_pods() -> None:
    answers = {
        each: NONE
        if each.port.protocol == "UDP" and not each.own and not isinstance(each.target, End)
        else answer
        for each, answer in perfect().items()
    }
    found = proofs(answers)
    assert found[UDP].verdict is Verdict.NOT_PROVEN
    assert found["web/other to rampart-verify/other port 8081/UDP"].verdict is Verdict.NOT_PROVEN
    assert found[TCP].verdict is Verdict.HELD


def test_a_probe_that_cannot_ask_by_udp_says_so() -> None:
    found = proofs(perfect() | {cell("dev/api to dev/api port 8081/UDP"): NONE})
    assert found["dev/api tries UDP"].verdict is Verdict.NOT_PROVEN


def test_a_drop_is_told_from_silence_where_somebody_must_answer() -> None:
    """Whoever is named as answering does; of nobody else it is said that nothing was told apart."""
    found = proofs(silent("the cloud's metadata", "203.0.113.1:443", "198.18.77.2:443"))
    assert METADATA not in found
    assert DOCUMENTED not in found
    assert found[NAMED].verdict is Verdict.VACUOUS
    (said,) = packets.undecided(silent("the cloud's metadata"))
    assert said.startswith("the cloud's metadata: nobody answers")
    assert "so 3 refusals" in said


def test_that_no_way_leads_there_is_an_answer_too() -> None:
    allowed = {each: TOLD for each in CELLS if str(each).endswith("metadata") and each.allowed}
    assert proofs(perfect() | allowed)[METADATA].verdict is Verdict.HELD
    told = proofs(perfect() | allowed | {cell(METADATA): TOLD})[METADATA]
    assert (told.verdict, told.observed) == (
        Verdict.NOT_PROVEN,
        "it is told that nobody is there, by whom cannot be told",
    )
    # Whoever is told only now and then tells nothing from a drop.
    some = {**allowed, next(iter(allowed)): NONE}
    assert METADATA not in proofs(perfect() | some)
    alone = dict.fromkeys(allowed, NONE) | {cell(METADATA): TOLD}
    assert packets.undecided(perfect() | alone)


@pytest.mark.parametrize(
    ("allowed", "forbidden", "answer", "verdict"),
    [
        (None, False, YES, Verdict.NOT_PROVEN),
        (None, False, NONE, Verdict.NOT_PROVEN),
        (None, True, YES, Verdict.BROKEN),
        (None, True, NONE, Verdict.HELD),
        (True, True, YES, Verdict.BROKEN),
        (True, True, NONE, Verdict.BROKEN),
        (False, True, NONE, Verdict.HELD),
    ],
)
def test_the_definition_decides_before_the_policies_that_live(
    allowed: bool | None, forbidden: bool, answer: Answer, verdict: Verdict
) -> None:
    made = replace(cell(TCP), allowed=allowed, forbidden=forbidden, because="allowed by dev/x")
    answers = {each: said for each, said in perfect().items() if str(each) != TCP} | {made: answer}
    found = proofs(answers, [made])[TCP]
    assert found.verdict is verdict
    assert ("dev/x" in found.observed) is (verdict is not Verdict.HELD)


def test_what_the_definition_allows_and_nobody_else_refuses_is_missed() -> None:
    table = cells([], without="api")
    found = proofs(perfect(table), table)["web/other to dev/api port 8000"]
    assert found.verdict is Verdict.BROKEN
    assert found.observed == "the definition allows it and it is refused on the way in by dev/deny"
    walled = cells([network_policy("web", "own", policyTypes=["Egress"])], declared=[])
    found = proofs(perfect(walled), walled)["web/other to dev/api port 8000"]
    assert (found.verdict, found.negative) == (Verdict.HELD, True)


def test_each_policy_has_its_part() -> None:
    table = [cell(TCP), cell("web/other to dev/api port 8000"), cell(SERVER)]
    assert packets.deciding(table) == {
        "dev/api": {"allows": 1, "refuses": 1},
        "dev/deny": {"allows": 0, "refuses": 2},
    }
    more = [cell("dev/api to the cloud's metadata"), cell("dev/api to dev/api port 8000")]
    assert packets.reasons([*table, *more]) == {
        "dev/api": {"refused on the way out by dev/deny": "the API server, the cloud's metadata"},
        "rampart-verify/other": {"refused on the way in by dev/deny, dev/api": "dev/api port 8000"},
        "web/other": {"allowed by dev/api": "dev/api port 8000"},
    }


@pytest.mark.parametrize(
    ("signs", "name"),
    [
        (["apps", "cilium.io"], "Cilium"),
        (["crd.projectcalico.org"], "Calico"),
        (["kube-flannel-ds"], "flannel"),
        (["apps"], "plain bridge"),
    ],
)
def test_the_network_is_named(signs: list[str], name: str) -> None:
    assert name in packets.network_name(signs)


def test_the_network_of_a_cluster_of_this_machine_is_read_where_its_node_reads_it(tmp_path: Path) -> None:
    assert packets.own_network(None) == packets.own_network(str(tmp_path)) == ""
    (tmp_path / "etc/cni").mkdir(parents=True)
    plugins = [{"type": "bridge"}, {"type": "portmap"}]
    (tmp_path / "etc/cni/10-rampart.conflist").write_text(json.dumps({"name": "x", "plugins": plugins}))
    assert packets.own_network(str(tmp_path)) == "the CNI bridge and portmap (10-rampart.conflist)"
