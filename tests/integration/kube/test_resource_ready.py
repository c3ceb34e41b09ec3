# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real controllers make the pods; the test is their kubelet and writes what one would report."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import Target
from ansible_collections.rampart.k8s.plugins.module_utils._kube.waiting import Waiter

from tests.rig import Rig
from tests.rig.modules import run_module

READY = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "ContainersReady", "Ready")]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """Start an API server with controllers."""
    with Rig(controllers=True) as started:
        yield started


@pytest.fixture
def space(client: Client, name: str) -> str:
    """Make a namespace whose ServiceAccount is there."""
    client.call("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
    accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
    assert watching.until(client, accounts, "default", lambda found: found, 20)
    return name


def workload(kind: str, space: str, **spec: Any) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [{"name": "main", "image": "registry.local/a:1"}]},
    }
    body = {"selector": {"matchLabels": {"app": "a"}}, "template": template, **spec}
    if kind == "StatefulSet":
        body["serviceName"] = "a"
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "a", "namespace": space},
        "spec": body,
    }


def kubelet(rig: Rig, space: str, report: Callable[[dict[str, Any]], dict[str, Any]], count: int = 1) -> None:
    """Give the first pods of a namespace a status, as soon as they are there."""

    def work() -> None:
        client = Client(Connection(str(rig.kubeconfig)), Redactor())
        done: set[str] = set()
        for event in watching.follow(client, f"/api/v1/namespaces/{space}/pods", {}, time.monotonic() + 30):
            for pod in event.objects:
                if event.type == "DELETED" or pod["metadata"]["name"] in done:
                    continue
                done.add(pod["metadata"]["name"])
                path = f"/api/v1/namespaces/{space}/pods/{pod['metadata']['name']}/status"
                client.call("PATCH", path, body={"status": report(pod)}, content_type=MERGE)
            if len(done) >= count:
                return

    threading.Thread(target=work, daemon=True).start()


def waits(reason: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    state = {"name": "main", "image": "a", "imageID": "", "ready": False, "restartCount": 1,
             "state": {"waiting": {"reason": reason, "message": "as the kubelet says"}},
             "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}  # fmt: skip
    return lambda _unused: {"phase": "Pending", "containerStatuses": [state]}


def is_ready(_unused: dict[str, Any]) -> dict[str, Any]:
    return {"phase": "Running", "conditions": READY}


def ready(rig: Rig, space: str, kind: str = "Deployment", timeout: int = 30, **more: Any) -> dict[str, Any]:
    resource = {"api_version": "apps/v1", "kind": kind, "namespace": space, "name": "a", **more}
    return run_module(
        "resource_ready", {"kubeconfig": str(rig.kubeconfig), "resources": [resource], "timeout": timeout}
    )


def apply(rig: Rig, *definitions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return run_module(
        "manifest_apply", {"kubeconfig": str(rig.kubeconfig), "definitions": definitions, **more}
    )


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_workload_is_ready_when_its_pods_are(rig: Rig, space: str, kind: str) -> None:
    kubelet(rig, space, is_ready, count=2)
    result = apply(rig, workload(kind, space, replicas=2), wait=True, wait_timeout=30)
    assert result["changed"] is True
    found = ready(rig, space, kind)
    assert (found["changed"], found["ready"], found["objects"][0]["phase"]) == (False, True, "ready")


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "CrashLoopBackOff", "CreateContainerConfigError"])
def test_a_hopeless_container_ends_the_wait_at_once(rig: Rig, space: str, reason: str) -> None:
    kubelet(rig, space, waits(reason))
    started = time.monotonic()
    result = apply(rig, workload("Deployment", space), wait=True, wait_timeout=60)
    assert time.monotonic() - started < 10
    assert result["failed"]
    assert f"Deployment {space}/a cannot become ready: container main of Pod a-" in result["msg"]
    assert reason in result["msg"]
    assert result["next_step"]


def test_a_pod_that_may_crash_at_its_start_is_waited_for(rig: Rig, client: Client, space: str) -> None:
    patient = workload("Deployment", space)
    patient["spec"]["template"]["metadata"]["annotations"] = {"rampart.k8s/allowed-restarts": "1"}
    crashed = threading.Event()

    def report(pod: dict[str, Any]) -> dict[str, Any]:
        crashed.set()
        return waits("CrashLoopBackOff")(pod)

    def recover() -> None:
        crashed.wait(30)
        time.sleep(1)
        for pod in client.list_all(f"/api/v1/namespaces/{space}/pods")[0]:
            path = f"/api/v1/namespaces/{space}/pods/{pod['metadata']['name']}/status"
            client.call(
                "PATCH", path, body={"status": {"containerStatuses": [], **is_ready(pod)}}, content_type=MERGE
            )

    kubelet(rig, space, report)
    threading.Thread(target=recover, daemon=True).start()
    assert "failed" not in apply(rig, patient, wait=True, wait_timeout=30)
    assert crashed.is_set()


def test_a_pod_of_the_old_revision_may_fail(rig: Rig, client: Client, space: str) -> None:
    kubelet(rig, space, waits("ImagePullBackOff"))
    assert apply(rig, workload("Deployment", space), wait=True)["failed"]
    repaired = workload("Deployment", space)
    repaired["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.local/a:2"

    def report(pod: dict[str, Any]) -> dict[str, Any]:
        new = pod["spec"]["containers"][0]["image"].endswith(":2")
        return is_ready(pod) if new else waits("ImagePullBackOff")(pod)

    kubelet(rig, space, report, count=2)
    assert "failed" not in apply(rig, repaired, wait=True, wait_timeout=30)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_pods_that_pod_security_refuses_end_the_wait(rig: Rig, client: Client, space: str, kind: str) -> None:
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    client.call("PATCH", f"/api/v1/namespaces/{space}", body=labels, content_type=MERGE)
    started = time.monotonic()
    result = apply(rig, workload(kind, space), wait=True, wait_timeout=60)
    assert time.monotonic() - started < 20
    assert "pods are refused" in result["msg"]
    assert 'violates PodSecurity "restricted' in result["msg"]


def test_a_timeout_says_what_is_missing(rig: Rig, space: str) -> None:
    apply(rig, workload("Deployment", space))
    started = time.monotonic()
    result = ready(rig, space, timeout=2)
    assert time.monotonic() - started < 2 + 5
    assert "1 of 1 objects are not ready after" in result["msg"]
    assert f"Deployment {space}/a: 0 of 1 pods are available" in result["msg"]
    assert result["objects"][0]["phase"] == "progressing"


def test_what_comes_later_is_waited_for(rig: Rig, client: Client, space: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "labels": {"x": space}}}
    timer = threading.Timer(
        1.0, lambda: client.call("POST", f"/api/v1/namespaces/{space}/configmaps", body=body)
    )
    timer.start()
    resource = {"api_version": "v1", "kind": "ConfigMap", "namespace": space, "label_selector": f"x={space}"}
    given = {"kubeconfig": str(rig.kubeconfig), "resources": [resource], "timeout": 20}
    result = run_module("resource_ready", given)
    timer.join()
    assert [found["name"] for found in result["objects"]] == ["late"]
    assert 0.8 < result["seconds"] < 5
    resource["label_selector"] = "x=never"
    assert "No ConfigMap" in run_module("resource_ready", {**given, "timeout": 1})["msg"]


def test_check_mode_looks_once(rig: Rig, space: str) -> None:
    resource = {"api_version": "apps/v1", "kind": "Deployment", "namespace": space, "name": "a"}
    unknown = {"api_version": "example.com/v1", "kind": "Widget", "name": "w"}
    given = {"kubeconfig": str(rig.kubeconfig), "resources": [resource, unknown]}
    result = run_module("resource_ready", given, check=True)
    assert (result["changed"], result["ready"]) == (False, False)
    assert result["objects"][0]["reason"] == "it does not exist yet"
    empty = run_module("resource_ready", {**given, "kubeconfig": "/nonexistent/x"}, check=True)
    assert (empty["reason"], empty["ready"]) == ("there is no cluster yet", False)


def test_a_wait_outlives_the_api_server(rig: Rig, space: str) -> None:
    apply(rig, workload("Deployment", space))
    results: list[dict[str, Any]] = []
    client = Client(Connection(str(rig.kubeconfig)), Redactor())
    resource = Discovery(client).require("apps/v1", "Deployment")
    target = Target(Ref("apps/v1", "Deployment", space, "a"), resource)
    thread = threading.Thread(
        target=lambda: results.extend(
            one.as_result() for one in Waiter(client, Progress(None)).run([target], 60)
        )
    )
    thread.start()
    rig.kill("kube-apiserver")
    rig.start("kube-apiserver")
    rig.wait_ready()
    kubelet(rig, space, is_ready)
    thread.join(60)
    assert [found["phase"] for found in results] == ["ready"]
