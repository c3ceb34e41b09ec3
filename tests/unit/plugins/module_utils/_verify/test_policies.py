# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Endpoint, Policies, selects

NAMESPACES = {"dev": {"env": "dev"}, "prod": {"env": "prod"}, "monitoring": {"env": "platform"}}
API = Endpoint("dev", {"app": "api"}, "10.0.0.1")
OTHER = Endpoint("dev", {}, "10.0.0.2")
MONITOR = Endpoint("monitoring", {}, "10.0.0.3")
PROD = Endpoint("prod", {"app": "api"}, "8.8.8.8")


def policy(
    namespace: str, types: list[str], pods: dict[str, Any] | None = None, **rules: Any
) -> dict[str, Any]:
    return {
        "kind": "NetworkPolicy",
        "metadata": {"namespace": namespace},
        "spec": {"podSelector": pods or {}, "policyTypes": types, **rules},
    }


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
    assert Policies([], NAMESPACES).allows(API, PROD, 443)


def test_a_policy_without_rules_denies_both_ways() -> None:
    policies = Policies([DENY], NAMESPACES)
    assert not policies.allows(API, PROD, 443)
    assert not policies.allows(PROD, API, 443)
    assert policies.allows(PROD, MONITOR, 443)


def test_both_ends_have_to_agree() -> None:
    out = policy(
        "dev", ["Egress"], egress=[{"to": [{"namespaceSelector": {"matchLabels": {"env": "prod"}}}]}]
    )
    assert Policies([DENY, out], NAMESPACES).allows(API, PROD, 80)
    walled = policy("prod", ["Ingress"])
    assert not Policies([DENY, out, walled], NAMESPACES).allows(API, PROD, 80)


def test_a_rule_names_ports_and_protocols() -> None:
    ports = [{"port": 9090}, {"port": 5000, "endPort": 5010}, {"port": 53, "protocol": "UDP"}]
    rule = policy("dev", ["Ingress"], ingress=[{"from": [{"namespaceSelector": {}}], "ports": ports}])
    policies = Policies([rule], NAMESPACES)
    assert policies.allows(MONITOR, API, 9090)
    assert policies.allows(MONITOR, API, 5010)
    assert not policies.allows(MONITOR, API, 5011)
    assert not policies.allows(MONITOR, API, 53)
    assert policies.allows(MONITOR, API, 53, "UDP")
    assert policies.ports("ingress", API) == {9090, 5000}
    assert policies.ports("egress", API) is None


def test_a_pod_selector_alone_means_the_own_namespace() -> None:
    rule = policy("dev", ["Ingress"], ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}])
    policies = Policies([rule], NAMESPACES)
    assert policies.allows(API, OTHER, 80)
    assert not policies.allows(PROD, OTHER, 80)


def test_both_selectors_in_one_peer_must_match() -> None:
    peer = {
        "namespaceSelector": {"matchLabels": {"env": "prod"}},
        "podSelector": {"matchLabels": {"app": "web"}},
    }
    rule = policy("dev", ["Ingress"], ingress=[{"from": [peer]}])
    assert not Policies([rule], NAMESPACES).allows(PROD, API, 80)


def test_addresses_and_their_exceptions() -> None:
    block = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}
    rule = policy("dev", ["Egress"], egress=[{"to": [block]}])
    policies = Policies([rule], NAMESPACES)
    assert policies.allows(API, PROD, 443)
    assert not policies.allows(API, MONITOR, 443)
    assert not policies.allows(API, Endpoint("kube-system", {"k8s-app": "kube-dns"}), 53)


def test_a_rule_without_peers_means_everybody() -> None:
    rule = policy("dev", ["Ingress"], ingress=[{"ports": [{"port": 80}]}])
    assert Policies([rule], NAMESPACES).allows(PROD, API, 80)


def test_a_policy_binds_only_the_pods_it_selects() -> None:
    rule = policy("dev", ["Ingress"], {"matchLabels": {"app": "api"}})
    policies = Policies([rule], NAMESPACES)
    assert not policies.allows(MONITOR, API, 80)
    assert policies.allows(MONITOR, OTHER, 80)
