# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lands must not break what runs: cases 49 and 51 of the reliability plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import permutations
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify.places import NAME
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Endpoint, Policies, Port

from tests.faults.environments.conftest import Play
from tests.rig import Rig
from tests.rig.modules import run_module

BAD = {"containers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "3"}}}]}
GOOD_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
GOOD = {"containers": [{"name": "c", "image": "x", "securityContext": GOOD_SECURITY}]}


def namespace(client: Client, name: str) -> dict[str, str]:
    labels: dict[str, str] = client.get(f"/api/v1/namespaces/{name}")["metadata"]["labels"]
    return labels


def make(client: Client, path: str, **body: Any) -> None:
    client.call("POST", path, body=body)


def workload(client: Client, where: str, name: str, spec: dict[str, Any], replicas: int = 0) -> None:
    labels = {"app": name}
    make(
        client,
        f"/apis/apps/v1/namespaces/{where}/deployments",
        metadata={"name": name},
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    )


def pod(client: Client, where: str, name: str, spec: dict[str, Any], owner: str = "") -> None:
    owners = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": name, "controller": True}
    ] * bool(owner)
    make(
        client,
        f"/api/v1/namespaces/{where}/pods",
        metadata={"name": name, "ownerReferences": owners},
        spec=spec,
    )


def test_51_a_level_that_would_break_something_lists_it_and_does_not_land(
    client: Client, name: str, play: Play
) -> None:
    make(client, "/api/v1/namespaces", metadata={"name": name})
    workload(client, name, "asleep", BAD)
    workload(client, name, "good", GOOD)
    pod(client, name, "bare", BAD)
    pod(client, name, "owned", GOOD, owner="good-1")
    job = {"template": {"spec": {**BAD, "restartPolicy": "Never"}}}
    make(
        client,
        f"/apis/batch/v1/namespaces/{name}/cronjobs",
        metadata={"name": "nightly"},
        spec={"schedule": "0 3 * * *", "jobTemplate": {"spec": job}},
    )

    refused = play(own={"limit_range": None})
    assert refused.returncode == 2
    assert "would break 3 workloads" in refused.stdout
    for broken in ("Deployment asleep", "CronJob nightly", "Pod bare"):
        assert f"{name}: {broken}: allowPrivilegeEscalation != false" in refused.stdout
    assert "Deployment good" not in refused.stdout
    assert "pod_security_force" in refused.stdout
    # What breaks nothing has landed: the namespace warns, and does not enforce.
    assert namespace(client, name)["pod-security.kubernetes.io/warn"] == "restricted"
    assert "pod-security.kubernetes.io/enforce" not in namespace(client, name)

    forced = play("--tags", "pod_security", pod_security_force=True)
    assert forced.returncode == 0, forced.stdout
    assert namespace(client, name)["pod-security.kubernetes.io/enforce"] == "restricted"
    again = play("--tags", "pod_security")
    assert again.returncode == 0, again.stdout
    assert "changed=0" in again.stdout


def test_51_pods_of_an_old_template_are_found_by_the_label_itself(
    client: Client, name: str, play: Play
) -> None:
    """The template was mended, but a pod of the old one still runs: the server names it."""
    make(client, "/api/v1/namespaces", metadata={"name": name})
    workload(client, name, "mended", GOOD, replicas=1)
    pod(client, name, "old", BAD, owner="mended-1")
    refused = play(own={"limit_range": None})
    assert refused.returncode == 2
    assert f"{name}: Pod old: allowPrivilegeEscalation != false" in refused.stdout


def test_51_a_quota_below_the_use_lists_it_and_does_not_land(client: Client, name: str, play: Play) -> None:
    make(client, "/api/v1/namespaces", metadata={"name": name})
    for number in range(3):
        pod(client, name, f"p{number}", BAD)
    workload(client, name, "hungry", BAD)
    own = {"quota": {"pods": "2", "requests.cpu": "8"}}

    refused = play(own=own)
    assert refused.returncode == 2
    assert f"{name}: pods is at 3, the quota would be 2" in refused.stdout
    assert f"{name}: requests.cpu is at 9, the quota would be 8" in refused.stdout
    assert (
        f"{name}: Deployment hungry container c: it requests 3 cpu, more than the limit 1" in refused.stdout
    )
    assert client.list_all(f"/api/v1/namespaces/{name}/resourcequotas")[0] == []
    # The check comes first: not even a label was written.
    assert "rampart.k8s/environment" not in namespace(client, name)

    forced = play("--tags", "namespaces", own=own, namespaces_quota_force=True)
    assert forced.returncode == 0, forced.stdout
    quotas = client.list_all(f"/api/v1/namespaces/{name}/resourcequotas")[0]
    assert quotas[0]["spec"]["hard"]["pods"] == "2"
    assert "changed=0" in play("--tags", "namespaces", own=own).stdout


def test_51_check_mode_tells_the_same_and_writes_nothing(client: Client, name: str, play: Play) -> None:
    make(client, "/api/v1/namespaces", metadata={"name": name})
    pod(client, name, "bare", BAD)
    before = client.get(f"/api/v1/namespaces/{name}")["metadata"]["resourceVersion"]
    done = play("--check", own={"limit_range": None})
    assert done.returncode == 2
    assert f"{name}: Pod bare: allowPrivilegeEscalation != false" in done.stdout
    assert client.get(f"/api/v1/namespaces/{name}")["metadata"]["resourceVersion"] == before


POLICIES = "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies"

APPLY = (
    "import sys, json; from tests.rig.modules import run_module; "
    "run_module('manifest_apply', json.load(sys.stdin))"
)


def kill_when(survivors: int, client: Client, path: str, arguments: dict[str, Any]) -> None:
    """Apply in a process of its own, and kill it as soon as so many policies stand."""
    child = subprocess.Popen(
        [sys.executable, "-c", APPLY],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(arguments))
    child.stdin.close()
    while child.poll() is None:
        if len(client.list_all(path)[0]) >= survivors:
            child.kill()
            child.wait()


def test_49_a_run_killed_between_allow_and_deny_cuts_nothing_off(
    rig: Rig, client: Client, name: str, play: Play
) -> None:
    """Whenever the run was killed, all that the definition allows passes; the rerun heals the rest."""
    assert play("--tags", "namespaces,network_policies").returncode == 0
    path = POLICIES.format(name)
    definitions = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {key: item["metadata"][key] for key in ("name", "namespace", "labels")},
            "spec": item["spec"],
        }
        for item in client.list_all(path)[0]
    ]
    definitions.sort(key=lambda item: item["metadata"]["name"] == "rampart-deny")
    definitions.sort(key=lambda item: bool(item["spec"]["podSelector"]), reverse=True)
    arguments = {"kubeconfig": str(rig.kubeconfig), "definitions": definitions, "order": "list"}
    names = (name, "kube-system", "ingress-nginx", "monitoring", "database")
    places = {each: {"kubernetes.io/metadata.name": each} for each in names}
    ends = [Endpoint(name, {NAME: application}) for application in ("backend", "agent", "other")]
    ends += [Endpoint("kube-system", {"k8s-app": "kube-dns"}), *(Endpoint(each) for each in names[2:])]
    packets = [(*pair, Port(port)) for pair in permutations(ends, 2) for port in (53, 443, 5432, 8000, 9090)]
    wanted = Policies(definitions, places)
    allowed = [packet for packet in packets if wanted.decide(*packet).allowed]
    assert 0 < len(allowed) < len(packets)
    partial = 0
    for survivors in range(1, len(definitions) + 1):
        for definition in definitions:
            client.delete(f"{path}/{definition['metadata']['name']}")
        kill_when(survivors, client, path, arguments)
        live = [{**item, "kind": "NetworkPolicy"} for item in client.list_all(path)[0]]
        partial += 0 < len(live) < len(definitions)
        standing = Policies(live, places)
        assert [packet for packet in allowed if not standing.decide(*packet).allowed] == []
    # At least one run was really killed in between.
    assert partial
    assert run_module("manifest_apply", arguments)["changed"] is (len(live) < len(definitions))
    assert len(client.list_all(path)[0]) == len(definitions)
    assert "changed=0" in play("--tags", "network_policies").stdout
