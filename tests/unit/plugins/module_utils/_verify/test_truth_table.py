# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify import truth_table
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.network import read_answers
from ansible_collections.rampart.k8s.plugins.module_utils._verify.truth_table import Cell, Place, judge, table

DEFINITION: list[dict[str, Any]] = [
    {
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "dev"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    },
    {
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "dev"},
        "spec": {
            "podSelector": {"matchLabels": {truth_table.NAME: "api"}},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": {"matchLabels": {"name": "web"}}}],
                    "ports": [{"port": 8000}],
                }
            ],
        },
    },
    {"kind": "CiliumNetworkPolicy", "metadata": {"namespace": "dev"}, "spec": {}},
]
NAMESPACES = {"dev": {"name": "dev"}, "web": {"name": "web"}, "rampart-verify": {}}
PLACES = truth_table.places([{"namespace": "dev", "applications": {"api": {}}}], ["web", "rampart-verify"])
STANDING = {place: f"10.0.0.{number}" for number, place in enumerate(PLACES, 1)}
CELLS = table(STANDING, DEFINITION, NAMESPACES)


def perfect() -> dict[Cell, bool]:
    """What a network does that obeys."""
    return {cell: cell.allowed for cell in CELLS}


def verdicts(arrived: dict[Cell, bool]) -> dict[str, Verdict]:
    return {proof.claim: proof.verdict for proof in judge(CELLS, arrived)}


def test_a_probe_stands_wherever_the_definition_makes_a_difference() -> None:
    assert [str(place) for place in PLACES] == [
        "dev/api",
        "dev/other",
        "web/other",
        "rampart-verify/other",
        "a walled-in pod",
    ]


def test_the_cells_say_what_the_definition_says() -> None:
    wanted = {str(cell): cell.allowed for cell in CELLS}
    assert wanted["web/other to dev/api port 8000"] is True
    assert wanted["rampart-verify/other to dev/api port 8000"] is False
    assert wanted[f"web/other to dev/api port {truth_table.UNLISTED}"] is False
    assert wanted["web/other asks the cluster's DNS"] is True
    assert wanted["dev/api asks the cluster's DNS"] is False
    assert wanted["a walled-in pod asks the cluster's DNS"] is False
    assert wanted["dev/api to dev/api port 8000"] is True


def test_names_are_resolved_where_a_rule_lets_packets_to_the_resolver() -> None:
    resolver = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    rule = {"to": [resolver], "ports": [{"port": 53, "protocol": "UDP"}]}
    policy = {
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "dev"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [rule]},
    }
    wanted = {str(cell): cell.allowed for cell in table(STANDING, [*DEFINITION, policy], NAMESPACES)}
    assert wanted["dev/api asks the cluster's DNS"] is True
    assert wanted["dev/other asks the cluster's DNS"] is True
    assert wanted["a walled-in pod asks the cluster's DNS"] is False


def test_a_network_that_obeys_is_proved() -> None:
    assert set(verdicts(perfect()).values()) == {Verdict.HELD}
    assert truth_table.enforces(perfect())


def test_a_network_that_enforces_nothing_is_seen_through() -> None:
    arrived = dict.fromkeys(CELLS, True)
    assert not truth_table.enforces(arrived)
    assert verdicts(arrived)["rampart-verify/other to dev/api port 8000"] is Verdict.BROKEN


def test_a_dead_network_proves_nothing() -> None:
    found = verdicts(dict.fromkeys(CELLS, False))
    assert Verdict.HELD not in found.values()
    assert found["rampart-verify/other to dev/api port 8000"] is Verdict.VACUOUS
    assert found["dev/api asks the cluster's DNS"] is Verdict.VACUOUS


def test_a_listener_that_does_not_listen_makes_its_refusals_worthless() -> None:
    arrived = perfect()
    for cell in CELLS:
        if str(cell.target) == "dev/api" and cell.port == 8000:
            arrived[cell] = False
    found = verdicts(arrived)
    assert found["dev/api listens on port 8000"] is Verdict.BROKEN
    assert found["rampart-verify/other to dev/api port 8000"] is Verdict.VACUOUS


@pytest.mark.parametrize(
    ("claim", "observed"),
    [("web/other to dev/api port 8000", False), ("rampart-verify/other to dev/api port 8000", True)],
)
def test_one_packet_that_does_otherwise_is_a_violation(claim: str, observed: bool) -> None:
    arrived = {cell: observed if str(cell) == claim else came for cell, came in perfect().items()}
    assert verdicts(arrived)[claim] is Verdict.BROKEN


def test_a_probe_without_an_answer_proves_nothing() -> None:
    arrived = {cell: came for cell, came in perfect().items() if str(cell.source) != "web/other"}
    assert verdicts(arrived)["web/other to dev/api port 8000"] is Verdict.NOT_PROVEN


def test_half_a_line_is_no_answer() -> None:
    first, second, third = CELLS[:3]
    keyed = {cell.key: cell for cell in (first, second, third)}
    log = f"{first.key} yes\n{second.key} no\n{third.key} n\nunknown:1 yes\n"
    assert read_answers(log, keyed) == {first: True, second: False}


@pytest.mark.parametrize(
    ("groups", "name"),
    [(["apps", "cilium.io"], "Cilium"), (["crd.projectcalico.org"], "Calico"), (["apps"], "plain bridge")],
)
def test_the_network_is_named(groups: list[str], name: str) -> None:
    assert name in truth_table.network_name(groups)


def test_a_place_is_labelled_as_what_it_stands_for() -> None:
    assert Place("x", "dev", "api").labels == {truth_table.NAME: "api"}
    assert Place("x", "dev").labels == {}
