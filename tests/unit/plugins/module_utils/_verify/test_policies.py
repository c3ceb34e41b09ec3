# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import (
    Decision,
    Endpoint,
    Policies,
    Port,
    named_ports,
    selects,
)

NAMESPACES = {"dev": {"env": "dev"}, "prod": {"env": "prod"}, "monitoring": {"env": "platform"}}
API = Endpoint("dev", {"app": "api"}, "10.0.0.1")
OTHER = Endpoint("dev", {}, "10.0.0.2")
MONITOR = Endpoint("monitoring", {}, "10.0.0.3")
PROD = Endpoint("prod", {"app": "api"}, "8.8.8.8")


def policy(
    namespace: str, types: list[str], pods: dict[str, Any] | None = None, *, name: str = "one", **rules: Any
) -> dict[str, Any]:
    return {
        "kind": "NetworkPolicy",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"podSelector": pods or {}, "policyTypes": types, **rules},
    }


def passes(policies: Policies, source: Endpoint, target: Endpoint, port: Port) -> bool:
    allowed = policies.decide(source, target, port).allowed
    assert allowed is not None
    return allowed


DENY = policy("dev", ["Ingress", "Egress"])


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({}, True),
        (None, True),
        ({"matchLabels": {"app": "api"}}, True),
        ({"matchLabels": {"app": "web"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["api"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_selectors_match_as_the_api_says(selector: dict[str, Any] | None, matches: bool) -> None:
    assert selects(selector, {"app": "api"}) is matches


def test_without_a_policy_everything_passes() -> None:
    assert passes(Policies([], NAMESPACES), API, PROD, Port(443))


def test_a_policy_without_rules_denies_both_ways() -> None:
    policies = Policies([DENY], NAMESPACES)
    assert not passes(policies, API, PROD, Port(443))
    assert not passes(policies, PROD, API, Port(443))
    assert passes(policies, PROD, MONITOR, Port(443))


def test_both_ends_have_to_agree() -> None:
    out = policy(
        "dev", ["Egress"], egress=[{"to": [{"namespaceSelector": {"matchLabels": {"env": "prod"}}}]}]
    )
    assert passes(Policies([DENY, out], NAMESPACES), API, PROD, Port(80))
    walled = policy("prod", ["Ingress"])
    assert not passes(Policies([DENY, out, walled], NAMESPACES), API, PROD, Port(80))


def test_a_rule_names_ports_and_protocols() -> None:
    ports = [{"port": 9090}, {"port": 5000, "endPort": 5010}, {"port": 53, "protocol": "UDP"}]
    rule = policy("dev", ["Ingress"], ingress=[{"from": [{"namespaceSelector": {}}], "ports": ports}])
    policies = Policies([rule], NAMESPACES)
    assert passes(policies, MONITOR, API, Port(9090))
    assert passes(policies, MONITOR, API, Port(5010))
    assert not passes(policies, MONITOR, API, Port(5011))
    assert not passes(policies, MONITOR, API, Port(53))
    assert passes(policies, MONITOR, API, Port(53, "UDP"))
    opened = {Port(9090), Port(5000), Port(5010), Port(53, "UDP")}
    assert policies.ports("ingress", API, {}) == opened
    assert policies.ports("egress", API, {}) is None


def test_a_pod_selector_alone_means_the_own_namespace() -> None:
    rule = policy("dev", ["Ingress"], ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}])
    policies = Policies([rule], NAMESPACES)
    assert passes(policies, API, OTHER, Port(80))
    assert not passes(policies, PROD, OTHER, Port(80))


def test_both_selectors_in_one_peer_must_match() -> None:
    peer = {
        "namespaceSelector": {"matchLabels": {"env": "prod"}},
        "podSelector": {"matchLabels": {"app": "web"}},
    }
    rule = policy("dev", ["Ingress"], ingress=[{"from": [peer]}])
    assert not passes(Policies([rule], NAMESPACES), PROD, API, Port(80))


def test_addresses_and_their_exceptions() -> None:
    block = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}
    rule = policy("dev", ["Egress"], egress=[{"to": [block]}])
    policies = Policies([rule], NAMESPACES)
    assert passes(policies, API, PROD, Port(443))
    assert not passes(policies, API, MONITOR, Port(443))
    assert not passes(policies, API, Endpoint("kube-system", {"k8s-app": "kube-dns"}), Port(53))


def test_a_rule_without_peers_means_everybody() -> None:
    rule = policy("dev", ["Ingress"], ingress=[{"ports": [{"port": 80}]}])
    assert passes(Policies([rule], NAMESPACES), PROD, API, Port(80))


def test_a_policy_binds_only_the_pods_it_selects() -> None:
    rule = policy("dev", ["Ingress"], {"matchLabels": {"app": "api"}})
    policies = Policies([rule], NAMESPACES)
    assert not passes(policies, MONITOR, API, Port(80))
    assert passes(policies, MONITOR, OTHER, Port(80))


def test_the_policies_that_decide_are_named() -> None:
    into = policy("dev", ["Ingress"], name="in", ingress=[{"from": [{"namespaceSelector": {}}]}])
    wall = policy("prod", ["Egress"], name="wall")
    policies = Policies([into, wall], NAMESPACES)
    assert policies.decide(MONITOR, API, Port(80)) == Decision(True, "allowed by dev/in", ("dev/in",))
    refused = policies.decide(PROD, API, Port(80))
    assert refused == Decision(False, "refused on the way out by prod/wall", ("prod/wall",))
    assert policies.decide(API, MONITOR, Port(80)) == Decision(True, "no policy binds either end")


@pytest.mark.parametrize("way", ["Ingress", "Egress"])
def test_a_port_by_name_means_what_the_target_calls_so(way: str) -> None:
    there = Endpoint("dev", {"app": "api"}, "10.0.0.1", {"web": Port(8000), "ask": Port(8000, "UDP")})
    alike = Endpoint("dev", {"app": "api"}, "10.0.0.4", {"web": Port(9000)})
    nameless = Endpoint("dev", {"app": "api"}, "10.0.0.5")
    rules: dict[str, Any] = {way.lower(): [{"ports": [{"port": "web", "protocol": "TCP"}]}]}
    rule = policy("dev", [way], **rules)
    policies = Policies([rule], NAMESPACES)
    assert passes(policies, OTHER, there, Port(8000))
    assert not passes(policies, OTHER, there, Port(8000, "UDP"))
    assert not passes(policies, OTHER, there, Port(9000))
    assert passes(policies, OTHER, alike, Port(9000))
    assert not passes(policies, OTHER, nameless, Port(8000))
    assert policies.ports(way.lower(), API, there.named) == {Port(8000)}
    assert policies.ports(way.lower(), API, {"web": Port(8000, "UDP")}) == set()
    assert named_ports([rule, {"kind": "CiliumNetworkPolicy", "spec": {}}]) == {"web": "TCP"}


def test_no_selector_selects_what_is_no_pod() -> None:
    rule = policy("dev", ["Egress"], egress=[{"to": [{"namespaceSelector": {}}]}])
    server = Endpoint("", address="10.0.0.9")
    assert not passes(Policies([rule], NAMESPACES), API, server, Port(6443))
    block = policy("dev", ["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}]}])
    assert passes(Policies([block], NAMESPACES), API, server, Port(6443))


@pytest.mark.parametrize(("egress", "ways"), [(None, {"ingress"}), ([{"to": []}], {"ingress", "egress"})])
def test_a_policy_that_names_no_ways_binds_those_that_the_server_fills_in(
    egress: Any, ways: set[str]
) -> None:
    rule = policy("dev", [], egress=egress)
    assert {way for way in ("ingress", "egress") if Policies([rule], {}).binding(way, API)} == ways


class Says:
    """A policy of another kind that may do one thing to everybody."""

    name = "Strange one"

    def __init__(self, *effect: str) -> None:
        self._effect = frozenset(effect)

    def effect(self, _way: str, _own: Endpoint, _other: Endpoint) -> frozenset[str]:
        return self._effect


@pytest.mark.parametrize(
    ("effect", "free", "opened", "denied"),
    [
        ("allow", True, True, None),
        ("deny", None, None, False),
        ("bind", None, True, False),
    ],
)
def test_a_policy_of_another_kind_leaves_open_only_what_it_may_change(
    effect: str, free: bool | None, opened: bool | None, denied: bool | None
) -> None:
    into = policy("dev", ["Ingress", "Egress"], ingress=[{}], egress=[{}])
    away, there = Endpoint("x", {}), Endpoint("y", {})

    def decide(objects: list[dict[str, Any]], source: Endpoint, target: Endpoint) -> bool | None:
        return Policies(objects, NAMESPACES, [Says(effect)]).decide(source, target, Port(1)).allowed

    assert decide([], away, there) is free
    assert decide([into], API, OTHER) is opened
    assert decide([DENY], API, OTHER) is denied
