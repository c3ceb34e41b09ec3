# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed between its network policies, with real packets: case 49 of the reliability plan.

That the definition takes nothing away at any point is computed in tests/faults/environments; here a pod asks
for a name all the time, and each question is sent once.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects
from ansible_collections.rampart.k8s.plugins.module_utils._verify.places import NAME

from tests.support import asking
from tests.support.modules import call, run_killed
from tests.support.own_cluster import OwnCluster
from tests.support.until import until

SPACE = "prod"
POLICIES = f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/networkpolicies"
DENY = "rampart-deny"
ASKS = (
    "while :; do nslookup -retry=1 -timeout=3 kubernetes.default.svc.cluster.local. >/dev/null 2>&1 "
    "&& echo answered || echo silence; sleep 0.1; done"
)
# For the agent to put a change into force, and for some questions under it.
SECONDS = 2.0


class Asker:
    """A pod of an application that asks for a name all the time."""

    def __init__(self, cluster: OwnCluster, client: Client) -> None:
        self._kubeconfig = cluster.kubeconfig
        container = objects.restricted_container(cluster.image, ["sh", "-c", ASKS])
        spec = objects.restricted_spec(container, activeDeadlineSeconds=1800)
        path = f"/api/v1/namespaces/{SPACE}/pods"
        client.call("POST", path, body=objects.pod("asker", SPACE, spec, {NAME: "backend"}))
        until(lambda: objects.runs(client.get(f"{path}/asker")), "the pod that asks")

    def heard(self) -> list[str]:
        return asking.run("kubectl", self._kubeconfig, "logs", f"--namespace={SPACE}", "asker").split()


def own(policy: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {key: policy["metadata"][key] for key in ("name", "namespace", "labels")},
        "spec": policy["spec"],
    }


def standing(client: Client) -> list[dict[str, Any]]:
    """Return the policies in the order in which they were written."""
    found = client.list_all(POLICIES)[0]
    return sorted(found, key=lambda item: int(item["metadata"]["resourceVersion"]))


def remove(client: Client, *, keep: str = "") -> None:
    """Remove policies, the denial first."""
    for item in reversed(standing(client)):
        if item["metadata"]["name"] != keep:
            client.delete(f"{POLICIES}/{item['metadata']['name']}")


def test_49_names_are_answered_wherever_a_run_is_killed(
    cluster: OwnCluster, client: Client, tmp_path: Path
) -> None:
    if cluster.cni != "cilium":
        pytest.skip("another cluster of this machine has Cilium")
    remove(client)
    cluster.play("environments", "--tags=network_policies")
    definitions = [own(item) for item in standing(client)]
    # The role writes the denial last.
    assert definitions[-1]["metadata"]["name"] == DENY
    asker = Asker(cluster, client)
    arguments = {"kubeconfig": str(cluster.kubeconfig), "definitions": definitions, "order": "list"}
    seen, point = set(), 0
    while True:
        remove(client)
        killed = run_killed("manifest_apply", arguments, point=point, folder=tmp_path)
        seen.add(len(standing(client)))
        time.sleep(SECONDS)
        if not killed:
            break
        point += 1
    assert seen == set(range(len(definitions) + 1))
    heard = asker.heard()
    assert len(heard) > 2 * point
    assert set(heard) == {"answered"}, heard.count("silence")

    # The next run finishes what a killed one began.
    remove(client)
    assert run_killed("manifest_apply", arguments, point=point // 2, folder=tmp_path)
    assert call("manifest_apply", arguments)["changed"]
    assert "changed=0" in cluster.play("environments", "--tags=network_policies")
    assert set(asker.heard()) == {"answered"}

    # And the pod does hear nothing where nothing is allowed.
    remove(client, keep=DENY)
    until(lambda: "silence" in asker.heard(), "silence under the denial alone")
    cluster.play("environments", "--tags=network_policies")
