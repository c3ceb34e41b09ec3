# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import network, observe, packets, places
from ansible_collections.rampart.k8s.plugins.module_utils._verify.network import Ground, NetworkVerify
from ansible_collections.rampart.k8s.plugins.module_utils._verify.packets import Answer
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Port

from tests.support.cluster import POLICIES, FakeCluster
from tests.support.packets import RESOLVER, SERVER, SLICES, network_policy

ADMIN = "/apis/policy.networking.k8s.io/v1alpha1"
PARAMETERS: dict[str, Any] = {
    "environments": [{"namespace": "dev", "applications": {"api": {}}}],
    "peers": [],
    "definitions": [network_policy("dev", "deny", policyTypes=["Ingress", "Egress"])],
    "outside": ["198.51.100.7:443"],
    "report_only": True,
}


@pytest.fixture
def world(cluster: FakeCluster) -> FakeCluster:
    """The cluster of all tests, with what lies between pods."""
    for name in ("dev", places.SYSTEM, "rampart-verify"):
        labels = {"kubernetes.io/metadata.name": name}
        cluster.documents[f"/api/v1/namespaces/{name}"] = {"metadata": {"name": name, "labels": labels}}
        cluster.lists[f"/api/v1/namespaces/{name}/pods"] = []
    cluster.lists[network.RESOLVERS] = [RESOLVER]
    cluster.lists[network.SLICES] = SLICES
    cluster.documents[network.SERVICE] = SERVER
    return cluster


def alive(world: FakeCluster, *policies: dict[str, Any]) -> None:
    world.lists[POLICIES] += [{key: item[key] for key in ("metadata", "spec")} for item in policies]


def ground(world: FakeCluster) -> Ground:
    client = cast(Client, world)
    standing = places.places(PARAMETERS["environments"], [])
    there = {name: world.documents[f"/api/v1/namespaces/{name}"] for name in ("dev", "rampart-verify")}
    return Ground(client, PARAMETERS, standing, there)


def because(found: Ground) -> dict[str, str]:
    addresses = {place: f"10.0.0.{number}" for number, place in enumerate(found.named, 1)}
    return {str(cell): cell.because for cell in found.table(addresses)}


def test_the_policies_that_live_decide_and_not_those_that_were_declared(world: FakeCluster) -> None:
    """They are declared as dev/deny, and as the server has them there is another one."""
    said = because(ground(world))
    refused = "refused on the way out by dev/default-deny"
    assert said["dev/api to the API server"] == said["dev/api to 198.51.100.7:443"] == refused


def test_ports_by_name_are_read_from_the_pods_that_live(world: FakeCluster) -> None:
    rule = [{"ports": [{"port": "web", "protocol": "TCP"}]}]
    alive(world, network_policy("dev", "named", policyTypes=["Ingress"], ingress=rule))
    port = {"name": "web", "containerPort": 8000}
    world.lists["/api/v1/namespaces/dev/pods"] = [
        {"metadata": {"labels": {places.NAME: "api"}}, "spec": {"containers": [{"ports": [port]}]}}
    ]
    found = ground(world)
    named = {str(place): names for place, names in found.named.items()}
    assert named["dev/api"] == {"web": Port(8000)}
    assert named["dev/other"] == {"web": Port(18001)}
    assert {Port(8000), Port(18001)} < found.listening


def test_a_policy_of_another_kind_is_read_and_named(world: FakeCluster) -> None:
    group = {"name": "policy.networking.k8s.io", "preferredVersion": {"groupVersion": ADMIN[6:]}}
    world.documents["/apis"]["groups"].append(group)
    kind = {"name": "adminnetworkpolicies", "verbs": ["list"]}
    world.documents[ADMIN] = {"resources": [kind]}
    admin = {"kind": "AdminNetworkPolicy", "metadata": {"name": "strange"}, "spec": {}}
    world.lists[f"{ADMIN}/adminnetworkpolicies"] = [admin]
    said = because(ground(world))
    expected = "AdminNetworkPolicy strange may decide it and is not understood"
    assert said["rampart-verify/other to the API server"] == expected


def test_sctp_and_a_network_that_obeys_nobody_are_doubts(world: FakeCluster) -> None:
    rule = [{"ports": [{"port": 7, "protocol": "SCTP"}]}]
    alive(world, network_policy("dev", "old", policyTypes=["Ingress"], ingress=rule))
    world.lists[observe.DAEMONSETS] = [
        {"metadata": {"name": "kube-flannel-ds", "namespace": "kube-flannel", "uid": "uid-9"}, "spec": {}}
    ]
    found = ground(world)
    cells = found.table(dict.fromkeys(found.named, "10.0.0.1"))
    operation = NetworkVerify(PARAMETERS, Redactor(), check_mode=False)

    def doubts(said: Answer) -> list[str]:
        answers: packets.Answers = dict.fromkeys(cells, said)
        return [str(proof) for proof in operation._doubts(found, answers)]

    sctp = "what dev/old says of SCTP: no probe speaks SCTP"
    assert doubts(Answer.NONE) == [sctp]
    obeys_nobody, last = doubts(Answer.YES)
    assert last == sctp
    assert "flannel ignores NetworkPolicy: it lets a walled-in pod speak" in obeys_nobody


def test_check_mode_counts_the_packets(world: FakeCluster) -> None:
    operation = NetworkVerify(PARAMETERS, Redactor(), check_mode=True)
    assert operation.outline(cast(Client, world)).endswith(" packets between 4 pods")
