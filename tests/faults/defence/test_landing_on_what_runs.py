# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits and levels that what runs does not keep, with pods that really run: case 51 of the reliability plan.

What is listed, in check mode too, is tested in tests/faults/environments.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects

from tests.support import asking
from tests.support.own_cluster import OwnCluster
from tests.support.until import until

SPACE = "tenant"
PODS = f"/api/v1/namespaces/{SPACE}/pods"
SETS = f"/apis/apps/v1/namespaces/{SPACE}/replicasets"
WANTED = {SPACE: {"limit_range": None, "quota": {"pods": "1"}}}
TAGS = "--tags=namespaces,pod_security"
ENFORCE = "pod-security.kubernetes.io/enforce"


def start(cluster: OwnCluster, client: Client) -> None:
    """Run two pods as root, in a namespace of somebody's own, whose level is not said any more then."""
    labels = {ENFORCE: "privileged"}
    client.call("POST", "/api/v1/namespaces", body={"metadata": {"name": SPACE, "labels": labels}})
    labels = {"app": "asroot"}
    container = {"name": "main", "image": cluster.image, "command": ["sleep", "3600"]}
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
        },
    }
    body = {"metadata": {"name": "asroot"}, "spec": spec}
    client.call("POST", f"/apis/apps/v1/namespaces/{SPACE}/deployments", body=body)
    until(lambda: len(running(client)) == 2, "two pods that run")
    asking.run("kubectl", cluster.kubeconfig, "label", "namespace", SPACE, f"{ENFORCE}-")


def running(client: Client) -> set[str]:
    """Return the pods that run and are not about to end, by their UID."""
    pods = client.list_all(PODS)[0]
    return {
        pod["metadata"]["uid"]
        for pod in pods
        if objects.runs(pod) and "deletionTimestamp" not in pod["metadata"]
    }


def refusal(client: Client) -> str:
    """Return why the ReplicaSet cannot make a pod."""
    conditions: list[dict[str, Any]] = [
        one for item in client.list_all(SETS)[0] for one in item["status"].get("conditions") or []
    ]
    return " ".join(one["message"] for one in conditions if one["type"] == "ReplicaFailure")


def labels(client: Client) -> dict[str, str]:
    found: dict[str, str] = client.get(f"/api/v1/namespaces/{SPACE}")["metadata"]["labels"]
    return found


def test_51_what_runs_goes_on_until_somebody_says_so(cluster: OwnCluster, client: Client) -> None:
    start(cluster, client)
    before = running(client)

    refused = cluster.try_play("environments", TAGS, rampart_environments=WANTED)
    assert refused.returncode == 2, refused.stdout
    assert f"{SPACE}: pods is at 2, the quota would be 1" in refused.stdout
    assert client.list_all(f"/api/v1/namespaces/{SPACE}/resourcequotas")[0] == []

    half = cluster.try_play("environments", TAGS, rampart_environments=WANTED, namespaces_quota_force=True)
    assert half.returncode == 2, half.stdout
    assert f"{SPACE}: Deployment asroot: allowPrivilegeEscalation != false" in half.stdout
    assert ENFORCE not in labels(client)
    assert running(client) == before

    forced = {"namespaces_quota_force": True, "pod_security_force": True}
    cluster.play("environments", TAGS, rampart_environments=WANTED, **forced)
    assert labels(client)[ENFORCE] == "restricted"
    again = cluster.play("environments", TAGS, rampart_environments=WANTED, **forced)
    assert "changed=0" in again
    # What ran runs on. That the list told the truth shows its next start.
    assert running(client) == before
    client.call("DELETE", PODS)
    # The level of the label, and not what the API server holds to that has none.
    until(lambda: 'violates PodSecurity "restricted:v1.36"' in refusal(client), "the refusal foretold")
    assert not running(client)
