# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify.other_policies import others
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Endpoint

CILIUM = "/apis/cilium.io/v2/ciliumnetworkpolicies"
EVERYWHERE = "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies"
AGENT = Endpoint("dev", {"app": "agent"})
RESOLVER = Endpoint("kube-system", {"k8s-app": "kube-dns"})
METADATA = Endpoint("", address="169.254.169.254", nameless=True)
OUTSIDE = Endpoint("", address="198.18.77.2")
# What the role network_policies makes where names are enabled.
DNS = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}}
BY_NAME = {
    "endpointSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["agent"]}]},
    "egress": [
        {"toEndpoints": [DNS], "toPorts": [{"ports": [{"port": "53", "protocol": "ANY"}]}]},
        {"toFQDNs": [{"matchName": "api.example.com"}], "toPorts": [{"ports": [{"port": "443"}]}]},
    ],
}


def effect(
    spec: dict[str, Any], own: Endpoint, other: Endpoint, way: str = "egress", path: str = CILIUM
) -> set[str]:
    metadata = {"name": "one", **({} if path == EVERYWHERE else {"namespace": "dev"})}
    (found,) = others({path: [{"kind": "Some", "metadata": metadata, "spec": spec}]})
    return set(found.effect(way, own, other))


@pytest.mark.parametrize(
    ("own", "other", "way", "does"),
    [
        (AGENT, RESOLVER, "egress", {"bind", "allow"}),
        (AGENT, OUTSIDE, "egress", {"bind", "allow"}),
        (AGENT, Endpoint("dev", {"app": "api"}), "egress", {"bind"}),
        (AGENT, Endpoint("dev", {"k8s-app": "kube-dns"}), "egress", {"bind"}),
        (AGENT, METADATA, "egress", {"bind"}),
        (AGENT, RESOLVER, "ingress", set()),
        (Endpoint("dev", {"app": "api"}), RESOLVER, "egress", set()),
        (Endpoint("prod", {"app": "agent"}), RESOLVER, "egress", set()),
    ],
)
def test_a_policy_by_name_leaves_alone_what_it_cannot_mean(
    own: Endpoint, other: Endpoint, way: str, does: set[str]
) -> None:
    assert effect(BY_NAME, own, other, way) == does


@pytest.mark.parametrize(
    ("rule", "does"),
    [
        ({}, {"allow"}),
        ({"toPorts": []}, {"allow"}),
        ({"toEntities": ["world"]}, {"allow"}),
        ({"toCIDR": ["10.0.0.0/8"]}, {"allow"}),
        ({"icmps": [], "toFQDNs": []}, {"allow"}),
        ({"toEndpoints": [{}]}, set()),
        ({"toEndpoints": [{"matchLabels": {"k8s:io.cilium.k8s.namespace.labels.team": "x"}}]}, {"allow"}),
        ({"toFQDNs": [{"matchPattern": "*"}]}, set()),
    ],
)
def test_what_is_not_understood_of_a_rule_may_mean_anybody(rule: dict[str, Any], does: set[str]) -> None:
    there = Endpoint("prod", {"app": "api"})
    assert effect({"endpointSelector": {}, "egress": [rule]}, AGENT, there) == {"bind", *does}


def test_a_denial_is_told_from_an_allowance() -> None:
    spec: dict[str, Any] = {"endpointSelector": {}, "ingressDeny": [{"fromEndpoints": [{}]}]}
    assert effect(spec, AGENT, Endpoint("dev"), "ingress") == {"bind", "deny"}
    assert effect(spec, AGENT, Endpoint("prod"), "ingress") == {"bind"}
    assert effect(spec, AGENT, Endpoint("prod"), "ingress", EVERYWHERE) == {"bind", "deny"}


def test_a_policy_for_nodes_selects_no_pod() -> None:
    assert effect({"nodeSelector": {}, "ingress": [{}]}, AGENT, OUTSIDE, "ingress", EVERYWHERE) == set()


def test_an_unknown_kind_may_do_anything_to_the_pods_of_its_namespace() -> None:
    path = "/apis/crd.projectcalico.org/v1/networkpolicies"
    assert effect({}, AGENT, OUTSIDE, path=path) == {"allow", "deny", "bind"}
    assert effect({}, Endpoint("prod"), OUTSIDE, path=path) == set()
    assert effect({}, OUTSIDE, AGENT, path=path) == set()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/apis/networking.k8s.io/v1/networkpolicies", "one"),
        ("/apis/cilium.io/v2/ciliumcidrgroups", "one"),
        ("/apis/cilium.io/v2/ciliumegressgatewaypolicies", "one"),
        ("/apis/projectcalico.org/v3/stagednetworkpolicies", "one"),
        ("/apis/projectcalico.org/v3/networkpolicies", "knp.default.one"),
    ],
)
def test_what_decides_nothing_beside_networkpolicies_is_left_out(path: str, name: str) -> None:
    assert not others({path: [{"metadata": {"name": name, "namespace": "dev"}}]})


def test_two_views_of_one_policy_are_one() -> None:
    item = {"kind": "NetworkPolicy", "metadata": {"name": "one", "namespace": "dev"}}
    groups = ("crd.projectcalico.org/v1", "projectcalico.org/v3")
    (found,) = others({f"/apis/{group}/networkpolicies": [item] for group in groups})
    assert found.name == "NetworkPolicy dev/one"
