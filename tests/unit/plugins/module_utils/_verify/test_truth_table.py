# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify import truth_table
from ansible_collections.rampart.k8s.plugins.module_utils._verify.places import Place
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Port

from tests.support.packets import CELLS, DENY, ENDS, STANDING, cell, cells, network_policy

RESOLVER = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}


def test_the_cells_say_what_the_policies_say() -> None:
    wanted = {str(each): each.allowed for each in CELLS}
    assert wanted["web/other to dev/api port 8000"] is True
    assert wanted["rampart-verify/other to dev/api port 8000"] is False
    assert wanted["web/other to dev/api port 8081"] is False
    assert wanted["web/other to dev/api port 8081/UDP"] is False
    assert wanted["web/other to rampart-verify/other port 8081/UDP"] is True
    assert wanted["dev/api to dev/api port 8000"] is True


def test_every_end_is_asked_from_everywhere() -> None:
    for end in ENDS:
        wanted = {str(each.source): each.allowed for each in CELLS if each.target == end}
        assert wanted == {
            "dev/api": False,
            "dev/other": False,
            "web/other": True,
            "rampart-verify/other": True,
            "a walled-in pod": False,
        }


def test_what_must_be_refused_comes_first() -> None:
    allowed = [each.allowed is True for each in CELLS]
    assert allowed == sorted(allowed)


def test_each_packet_of_a_probe_has_a_name_of_its_own() -> None:
    for place in STANDING:
        keys = [each.key for each in CELLS if each.source == place]
        assert len(set(keys)) == len(keys)


def test_the_policies_that_decide_are_named() -> None:
    assert cell("web/other to dev/api port 8000").because == "allowed by dev/api"
    refused = cell("rampart-verify/other to dev/api port 8000")
    assert refused.because == "refused on the way in by dev/deny, dev/api"
    assert cell("web/other to the API server").because == "no policy binds either end"


def test_names_are_resolved_where_a_rule_lets_packets_to_the_resolver() -> None:
    rule = {"to": [RESOLVER], "ports": [{"port": 53, "protocol": "UDP"}]}
    policy = network_policy("dev", "dns", policyTypes=["Egress"], egress=[rule])
    wanted = {str(each): each.allowed for each in cells([policy])}
    assert wanted["dev/api to the cluster's DNS"] is True
    assert wanted["dev/api to the cluster's DNS over TCP"] is False
    assert wanted["a walled-in pod to the cluster's DNS"] is False


def test_the_server_is_judged_by_what_is_behind_its_service() -> None:
    def to_server(*blocks: str) -> truth_table.Cell:
        peers = [{"ipBlock": {"cidr": block}} for block in blocks]
        policy = network_policy("dev", "server", policyTypes=["Egress"], egress=[{"to": peers}])
        return next(each for each in cells([policy]) if str(each) == "dev/api to the API server")

    assert to_server("10.96.0.1/32").allowed is False
    assert to_server("192.0.2.11/32", "192.0.2.12/32").allowed is True
    one = to_server("192.0.2.11/32")
    assert (one.allowed, one.because) == (None, "policies treat what is behind it differently")


def test_what_somebody_else_opens_is_forbidden_by_the_definition() -> None:
    rogue = network_policy("dev", "rogue", policyTypes=["Ingress"], ingress=[{}])
    found = {str(each): each for each in cells([rogue], declared=[])}
    opened = found["rampart-verify/other to dev/api port 8000"]
    assert (opened.allowed, opened.forbidden, opened.because) == (True, True, "allowed by dev/rogue")
    assert not found["web/other to dev/api port 8000"].forbidden


@pytest.mark.parametrize(("namespace", "missed"), [("dev", True), ("web", False)])
def test_who_refuses_what_the_definition_allows_is_told_apart(namespace: str, missed: bool) -> None:
    # Our own policy that allows it is not there; or theirs refuses it.
    walled = network_policy("web", "own", policyTypes=["Egress"])
    found = cells([], without="api") if namespace == "dev" else cells([walled], declared=[])
    away = next(each for each in found if str(each) == "web/other to dev/api port 8000")
    assert (away.allowed, away.missed) == (False, missed)


def test_ports_are_those_that_any_rule_opens_and_one_that_none_does() -> None:
    ports = [{"port": "web"}, {"port": 5000, "endPort": 5010}, {"port": 7, "protocol": "SCTP"}]
    policy = network_policy("dev", "x", policyTypes=["Ingress"], ingress=[{"ports": ports}])
    cilium: dict[str, Any] = {"kind": "CiliumNetworkPolicy", "metadata": {"namespace": "dev"}, "spec": {}}
    found = truth_table.ports([policy, cilium], [{"web": Port(80)}, {"web": Port(81)}])
    assert found == {*truth_table.UNLISTED, Port(80), Port(81), Port(5000), Port(5010)}
    assert list(truth_table.sctp([policy, DENY])) == ["dev/x"]


def test_a_place_is_labelled_as_what_it_stands_for() -> None:
    assert Place("x", "dev", "api").labels == {"app.kubernetes.io/name": "api"}
    assert Place("x", "dev").labels == {}


def test_the_resolver_lets_in_by_the_names_of_its_ports() -> None:
    ports = [{"port": "dns", "protocol": "UDP"}]
    rule = [{"from": [{"namespaceSelector": {}}], "ports": ports}]
    policy = network_policy("kube-system", "dns", policyTypes=["Ingress"], ingress=rule)
    wanted = {str(each): each.allowed for each in cells([policy], declared=[])}
    assert wanted["web/other to the cluster's DNS"] is True
    assert wanted["web/other to the cluster's DNS over TCP"] is False
