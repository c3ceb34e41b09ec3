# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify import observe
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import Cluster

POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"


def whole(fake: Any) -> dict[str, Any]:
    seen = Cluster(fake)
    return {"base": seen.base(), "network": seen.network(), "own": seen.contents([POLICIES])}


def touch(fake: Any, change: Callable[[Any], Any]) -> bool:
    """Say whether a change is seen."""
    before = whole(fake)
    change(fake)
    return before != whole(fake)


@pytest.mark.parametrize(
    "change",
    [
        lambda fake: fake.lists[POLICIES].clear(),
        lambda fake: fake.lists[POLICIES][0]["spec"]["policyTypes"].remove("Egress"),
        lambda fake: fake.lists[POLICIES][0]["metadata"].update(uid="uid-9"),
        lambda fake: fake.lists[observe.NAMESPACES][1]["metadata"]["labels"].clear(),
        lambda fake: fake.lists[observe.NAMESPACES].append({"metadata": {"name": "new", "uid": "uid-8"}}),
        lambda fake: fake.lists[observe.NODES][0]["status"]["nodeInfo"].update(bootID="boot-2"),
        lambda fake: fake.lists[observe.SERVERS[0]][0]["spec"].update(holderIdentity="server-2"),
        lambda fake: fake.documents["/version"].update(gitVersion="v1.36.4"),
        lambda fake: fake.lists[observe.DAEMONSETS].append(
            {"metadata": {"name": "cilium", "namespace": "kube-system"}, "status": {"numberReady": 1}}
        ),
    ],
)
def test_what_a_proof_depends_on_is_seen(cluster: Any, change: Callable[[Any], Any]) -> None:
    assert touch(cluster, change)


@pytest.mark.parametrize(
    "change",
    [
        lambda fake: fake.lists[POLICIES][0]["metadata"].update(resourceVersion="2"),
        lambda fake: fake.lists[POLICIES][0]["metadata"].update(managedFields=[]),
        lambda fake: fake.lists[POLICIES][0].update(status={"observed": True}),
        lambda fake: fake.lists[observe.NODES][0]["status"].update(conditions=[]),
        lambda fake: fake.lists[observe.NAMESPACES].reverse(),
    ],
)
def test_what_the_server_keeps_in_its_books_is_not(cluster: Any, change: Callable[[Any], Any]) -> None:
    assert not touch(cluster, change)


def test_a_daemon_that_is_not_ready_is_seen(cluster: Any) -> None:
    daemon = {"metadata": {"name": "cilium", "namespace": "kube-system"}, "status": {"numberReady": 1}}
    cluster.lists[observe.DAEMONSETS].append(daemon)
    assert touch(cluster, lambda fake: daemon.update(status={"numberReady": 0}))


def test_the_policies_of_all_networks_are_read(cluster: Any) -> None:
    cluster.documents["/apis"]["groups"].append(
        {"name": "cilium.io", "preferredVersion": {"groupVersion": "cilium.io/v2"}}
    )
    names = ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies", "ciliumidentities")
    cluster.documents["/apis/cilium.io/v2"] = {
        "resources": [{"name": name, "verbs": ["get", "list"]} for name in names]
    }
    wide = {"metadata": {"name": "open"}, "spec": {"endpointSelector": {}}}
    assert touch(
        cluster,
        lambda fake: fake.lists.update({"/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies": [wide]}),
    )
    assert list(Cluster(cluster).network()["policies"]) == [
        "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies",
        "/apis/cilium.io/v2/ciliumnetworkpolicies",
        POLICIES,
    ]


def test_a_kind_that_the_server_does_not_know_has_nothing(cluster: Any) -> None:
    assert Cluster(cluster).contents(["/apis/example.com/v1/nothing"]) == {"/apis/example.com/v1/nothing": []}


def test_another_number_behind_the_name_of_a_port_is_seen(cluster: Any) -> None:
    port: dict[str, Any] = {"name": "web", "containerPort": 8000}
    pod: dict[str, Any] = {
        "metadata": {"name": "one", "uid": "1", "labels": {"app.kubernetes.io/name": "api"}},
        "spec": {"containers": [{"ports": [port, {"containerPort": 1}]}, {}]},
    }
    cluster.lists[f"{observe.NAMESPACES}/dev/pods"] = [pod, {**pod, "metadata": {"name": "two", "uid": "2"}}]
    seen = Cluster(cluster).called(["dev", "gone"])
    assert seen == {"dev": [["", "web", 8000, "TCP"], ["api", "web", 8000, "TCP"]], "gone": []}
    # Another pod of the same kind is none.
    pod["metadata"] |= {"name": "three", "uid": "3"}
    assert Cluster(cluster).called(["dev", "gone"]) == seen
    port["containerPort"] = 9000
    assert Cluster(cluster).called(["dev"])["dev"][1] == ["api", "web", 9000, "TCP"]
