# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy engine is down and the API server asks it all the same: case 50 of the reliability plan.

It is broken as an upgrade breaks it: its image cannot be pulled. The tests go from the fault to the repair.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._admission import hearing, samples
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import environment_of
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects

from tests.support import admission, asking
from tests.support.modules import call, run_apart
from tests.support.own_cluster import OwnCluster
from tests.support.until import until

DEPLOYMENTS = samples.PATHS["Deployment"]
PODS = "/api/v1/namespaces/{}/pods"
MAPS = "/api/v1/namespaces/prod/configmaps"
ENGINE = ("--namespace=kyverno", "deployment/kyverno-admission-controller")
BROKEN = {
    "spec": {
        "strategy": {"type": "Recreate", "rollingUpdate": None},
        "template": {"spec": {"containers": [{"name": "kyverno", "image": "127.0.0.1:1/nowhere:1"}]}},
    }
}
NAMED = re.compile(r'failed calling webhook "[^"]*kyverno\.svc[^"]*"')
# None of them may depend on the engine.
OWN = ("kube-system", "kyverno", "ingress-nginx", "monitoring", "database", objects.NAMESPACE)


def deployment(space: str, name: str = "listed") -> dict[str, Any]:
    """Return what every policy accepts."""
    entry = next(one for one in admission.environments() if one["name"] == space)
    made = samples.deployment(environment_of(entry))
    made["metadata"]["name"] = name
    return made


def settings(name: str, **metadata: Any) -> dict[str, Any]:
    """Return what no policy is about."""
    made = {"name": name, "namespace": "prod", **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": made}


def listed(cluster: OwnCluster, *definitions: dict[str, Any]) -> dict[str, Any]:
    return {"kubeconfig": str(cluster.kubeconfig), "definitions": list(definitions)}


def tried(client: Client, space: str, **security: Any) -> hearing.Answer:
    body = deployment(space, "tried")
    body["spec"]["template"]["spec"]["containers"][0]["securityContext"].update(security)
    return hearing.attempt(client, DEPLOYMENTS.format(space), body)


def break_it(cluster: OwnCluster, client: Client) -> None:
    asking.run("kubectl", cluster.kubeconfig, "patch", *ENGINE, f"--patch={json.dumps(BROKEN)}")
    until(lambda: NAMED.search(tried(client, "prod").message), "the engine's silence")


@pytest.fixture(scope="module")
def enforced(cluster: OwnCluster, client: Client) -> None:
    cluster.play("policies")
    until(lambda: not tried(client, "prod", readOnlyRootFilesystem=False).accepted, "the policies")
    assert tried(client, "prod").accepted


@pytest.fixture(scope="module")
def down(cluster: OwnCluster, client: Client, enforced: None) -> None:
    break_it(cluster, client)


@pytest.mark.usefixtures("enforced")
def test_50_what_was_written_before_it_went_down_is_told(
    cluster: OwnCluster, client: Client, tmp_path: Path
) -> None:
    """A list is judged as a dry run first; then it waits for a finalizer, and the engine goes down."""
    client.call("POST", MAPS, body=settings("held", finalizers=["example.test/hold"]))
    client.delete(f"{MAPS}/held")
    definitions = [settings("first"), settings("held"), deployment("prod", "late")]
    arguments = {**listed(cluster, *definitions), "order": "list", "wait_timeout": 600}
    with ThreadPoolExecutor(max_workers=1) as pool:
        run = pool.submit(run_apart, "manifest_apply", arguments, point=None, folder=tmp_path)
        until(lambda: client.find(f"{MAPS}/first"), "the first object")
        break_it(cluster, client)
        held = ("patch", "--namespace=prod", "configmap/held", "--type=merge")
        asking.run("kubectl", cluster.kubeconfig, *held, '--patch={"metadata": {"finalizers": null}}')
        answer = run.result().answer
    assert answer is not None
    assert answer["failed"]
    assert NAMED.search(answer["msg"]), answer["msg"]
    assert "Deployment prod/late" in answer["msg"]
    assert "2 objects were written before; run again to go on." in answer["msg"]
    assert [one["name"] for one in answer["written"]] == ["first", "held"]


@pytest.mark.usefixtures("down")
def test_50_an_error_names_the_webhook_and_nothing_is_written(cluster: OwnCluster, client: Client) -> None:
    definitions = deployment("prod"), settings("beside"), deployment("dev")
    answer = call("manifest_apply", listed(cluster, *definitions))
    assert answer["failed"]
    assert NAMED.search(answer["msg"]), answer["msg"]
    assert "Deployment prod/listed" in answer["msg"]
    assert "repair the named admission webhook" in answer["msg"]
    assert client.find(f"{MAPS}/beside") is None
    # Where whoever tries things out goes on without the engine, so does this.
    assert call("manifest_apply", listed(cluster, deployment("dev")))["counts"]["created"] == 1


@pytest.mark.usefixtures("down")
@pytest.mark.parametrize("space", OWN)
def test_50_our_own_namespaces_do_not_depend_on_it(client: Client, space: str) -> None:
    spec = objects.restricted_spec(objects.restricted_container("rampart.local/x:1", ["sleep"]))
    spec["serviceAccountName"] = "default"
    answer = hearing.attempt(client, PODS.format(space), objects.pod("tried", space, spec))
    assert answer.accepted, answer.message


@pytest.mark.usefixtures("down")
def test_50_the_cluster_goes_on_without_it(client: Client) -> None:
    """The name server is killed, and comes back."""
    path = PODS.format("kube-system")
    selector = {"labelSelector": "k8s-app=kube-dns"}
    before = {pod["metadata"]["uid"] for pod in client.list_all(path, query=selector)[0]}
    assert before
    client.call("DELETE", path, query=selector)

    def back() -> bool:
        pods = client.list_all(path, query=selector)[0]
        return any(objects.runs(pod) and pod["metadata"]["uid"] not in before for pod in pods)

    until(back, "a new name server")


@pytest.mark.usefixtures("down")
def test_50_the_next_run_repairs_it(cluster: OwnCluster, client: Client) -> None:
    cluster.play("policies")
    until(lambda: tried(client, "prod").accepted, "the engine's answer")
    refused = tried(client, "prod", readOnlyRootFilesystem=False)
    assert refused.against("rampart-prod-read-only-root"), refused.message
    assert "changed=0" in cluster.play("policies")

    # And the run that was refused completes, and then changes nothing.
    arguments = listed(cluster, settings("first"), deployment("prod", "late"))
    completed = call("manifest_apply", arguments)
    assert completed["counts"]["created"] == 1, completed
    assert not call("manifest_apply", arguments)["changed"]


@pytest.mark.usefixtures("down")
def test_50_it_can_be_removed_while_it_is_down(cluster: OwnCluster, client: Client) -> None:
    break_it(cluster, client)
    cluster.play("policies_remove", kyverno_uninstall_confirm=True)
    assert tried(client, "prod").accepted
    assert client.find("/api/v1/namespaces/kyverno") is None
