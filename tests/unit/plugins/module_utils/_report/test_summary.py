# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._report import summary


def node(name: str, ready: str | None) -> dict[str, Any]:
    conditions = [{"type": "MemoryPressure", "status": "False"}]
    if ready is not None:
        conditions.append({"type": "Ready", "status": ready})
    return {
        "metadata": {"name": name},
        "status": {"conditions": conditions, "nodeInfo": {"kubeletVersion": "v1.36.3"}},
    }


def pod(name: str, ready: str, *, namespace: str = "prod", phase: str = "Running") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
    }


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


PROD = {
    "metadata": {
        "name": "prod",
        "labels": {summary.ENVIRONMENT_LABEL: "prod", summary.ENFORCE_LABEL: "restricted"},
    }
}


@pytest.mark.parametrize(
    ("status", "ready"), [("True", True), ("False", False), ("Unknown", False), (None, False)]
)
def test_only_a_true_condition_is_ready(status: str | None, ready: bool) -> None:
    assert summary.nodes([node("a", status)]) == [{"name": "a", "ready": ready, "kubelet": "v1.36.3"}]


def test_nodes_stand_in_order() -> None:
    assert [entry["name"] for entry in summary.nodes([node("b", "True"), node("a", "True")])] == ["a", "b"]


def test_a_node_that_just_registered_has_no_status() -> None:
    assert summary.nodes([{"metadata": {"name": "a"}}]) == [{"name": "a", "ready": False, "kubelet": ""}]


def test_pods_are_counted_for_their_environment() -> None:
    pods = [
        pod("a", "True"),
        pod("b", "False"),
        pod("done", "False", phase="Succeeded"),
        pod("x", "True", namespace="y"),
    ]
    assert summary.environments([namespace("y"), PROD], pods) == [
        {"name": "prod", "namespace": "prod", "pod_security": "restricted", "pods": 2, "pods_ready": 1}
    ]


def test_an_environment_without_a_level_says_so() -> None:
    bare = namespace("dev", **{summary.ENVIRONMENT_LABEL: "dev"})
    assert summary.environments([bare], [])[0]["pod_security"] == ""


def test_every_unready_pod_is_named() -> None:
    pods = [pod("b", "False"), pod("a", "Unknown"), pod("ok", "True"), pod("job", "False", phase="Failed")]
    assert summary.unready_pods(pods) == ["prod/a", "prod/b"]


def revision(number: int, status: str, **labels: str) -> dict[str, Any]:
    found = {"owner": "helm", "name": "app", "version": str(number), "status": status, **labels}
    return {"metadata": {"name": f"sh.helm.release.v1.app.v{number}", "namespace": "dev", "labels": found}}


def test_a_release_is_its_newest_revision_and_answers_where_its_services_are() -> None:
    service = {
        "metadata": {"name": "web", "namespace": "dev", "labels": {summary.INSTANCE_LABEL: "app"}},
        "spec": {"ports": [{"port": 8000}, {"port": 9090}]},
    }
    other = {"metadata": {"name": "web", "namespace": "prod", "labels": {summary.INSTANCE_LABEL: "app"}}}
    verified = {"rampart.k8s/verified": "9"}
    # Numbers, not words: 10 comes after 9. The label of a verified revision goes on to the next.
    revisions = [revision(10, "failed", **verified), revision(9, "superseded", **verified)]
    assert summary.releases(revisions, [service, other]) == [
        {
            "namespace": "dev",
            "name": "app",
            "revision": 10,
            "status": "failed",
            "verified": False,
            "services": ["web:8000"],
        }
    ]
