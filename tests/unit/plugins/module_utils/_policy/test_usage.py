# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._policy import usage
from ansible_collections.rampart.k8s.plugins.module_utils._policy.quota import tighter
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import POD, Workload


def container(**resources: dict[str, str]) -> dict[str, Any]:
    return {"name": "c", "resources": resources}


def pod(*containers: dict[str, Any], phase: str = "Running", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": list(containers), **spec},
        "status": {"phase": phase},
    }


def test_containers_add_up_and_init_containers_count_by_the_largest() -> None:
    spec = pod(
        container(requests={"cpu": "100m"}),
        container(requests={"cpu": "200m"}),
        initContainers=[container(requests={"cpu": "1"}), container(requests={"cpu": "50m"})],
    )["spec"]
    assert usage.pod_demand(spec, "requests", "cpu") == 1


def test_a_sidecar_goes_on_beside_the_rest() -> None:
    spec = pod(
        container(requests={"cpu": "300m"}),
        initContainers=[{**container(requests={"cpu": "200m"}), "restartPolicy": "Always"}],
        overhead={"cpu": "10m"},
    )["spec"]
    assert usage.pod_demand(spec, "requests", "cpu") == Decimal("0.51")


def test_a_missing_request_is_the_limit() -> None:
    spec = pod(container(limits={"memory": "1Gi"}))["spec"]
    assert usage.pod_demand(spec, "requests", "memory") == 1024**3
    assert usage.pod_demand(spec, "limits", "cpu") == 0


LIVE = {
    "Pod": [pod(container(requests={"cpu": "2"}, limits={"cpu": "4"})), pod(container(), phase="Succeeded")],
    "Service": [
        {"spec": {"type": "NodePort", "ports": [{}, {}]}},
        {"spec": {"type": "LoadBalancer", "ports": [{}]}},
        {"spec": {"type": "ClusterIP", "ports": [{}]}},
    ],
    "PersistentVolumeClaim": [{"spec": {"resources": {"requests": {"storage": "5Gi"}}}}],
}


@pytest.mark.parametrize(
    ("key", "amount"),
    [
        ("pods", 1),
        ("cpu", 2),
        ("requests.cpu", 2),
        ("limits.cpu", 4),
        ("services", 3),
        ("services.nodeports", 3),
        ("services.loadbalancers", 1),
        ("persistentvolumeclaims", 1),
        ("requests.storage", 5 * 1024**3),
        ("count/widgets.example.com", None),
    ],
)
def test_each_key_counts_what_the_quota_counts(key: str, amount: int | None) -> None:
    assert usage.used(key, LIVE) == amount


def test_what_is_above_the_quota_is_listed_and_the_servers_own_count_goes_first() -> None:
    hard = {"pods": "3", "requests.cpu": "1", "count/widgets.example.com": "2"}
    broken, unknown = usage.over_quota(hard, LIVE, {"pods": "4"})
    assert broken == [
        {"key": "pods", "hard": "3", "used": "4"},
        {"key": "requests.cpu", "hard": "1", "used": "2"},
    ]
    assert unknown == ["count/widgets.example.com"]


def test_exactly_the_quota_is_within_it() -> None:
    assert usage.over_quota({"requests.cpu": "2"}, LIVE, {}) == ([], [])


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"limits": {"cpu": "8"}}, "above the maximum 4"),
        ({"requests": {"cpu": "2"}}, "more than the limit 1"),
        ({"requests": {"cpu": "2"}, "limits": {"cpu": "4"}}, ""),
        ({}, ""),
    ],
)
def test_a_container_that_the_limit_range_refuses_is_named(resources: dict[str, Any], said: str) -> None:
    limits = {"max": {"cpu": "4"}, "default": {"cpu": "1"}}
    found = usage.over_limit(limits, [Workload(POD, pod(container(**resources)))])
    assert [said in each["reason"] and each["workload"] == "Pod p" for each in found] == [True] * bool(said)


def test_only_what_is_new_or_lower_can_break_anything() -> None:
    assert tighter({"pods": "3", "cpu": "8", "memory": "1Gi"}, {"pods": "4", "cpu": "8000m"}) == {
        "pods": "3",
        "memory": "1Gi",
    }
