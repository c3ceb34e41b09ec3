# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong with releases: cases 39 to 41 and 43 of the reliability plan, and a kill at every step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._helm import pending
from ansible_collections.rampart.k8s.plugins.module_utils._helm.writer import writer
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.rig import Rig
from tests.support.kubelet import Kubelet
from tests.support.modules import call, run_apart

Arguments = Callable[..., dict[str, Any]]
STEPS = ("helm upgrade", "verify", "mark verified")


def history(rig: Rig, program: str, space: str, name: str = "probe") -> list[tuple[int, str]]:
    """Ask Helm itself."""
    command = [
        program,
        "history",
        name,
        f"--namespace={space}",
        f"--kubeconfig={rig.kubeconfig}",
        "-o",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    entries = json.loads(done.stdout) if done.returncode == 0 else []
    return [(entry["revision"], entry["status"]) for entry in entries]


def deliver(arguments: dict[str, Any]) -> dict[str, Any]:
    result = call("helm_deploy", arguments)
    assert not result.get("failed"), result["msg"]
    return result


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_is_finished_by_the_next(
    rig: Rig, space: str, program: str, arguments: Arguments, tmp_path: Path, step: str
) -> None:
    ended = run_apart("helm_deploy", arguments(), point=step, folder=tmp_path)
    assert ended.killed
    assert step in ended.passed
    assert deliver(arguments())["changed"]
    assert history(rig, program, space) == [(1, "deployed")]
    again = deliver(arguments())
    assert (again["changed"], again["releases"][0]["action"]) == (False, "keep")
    assert history(rig, program, space) == [(1, "deployed")]


def killed_in(client: Client, space: str, arguments: dict[str, Any]) -> None:
    """Run in a process of its own, and kill it when its Helm has made a revision that is pending."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.modules", "helm_deploy", "null", "/nowhere"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert child.stdin
    child.stdin.write(json.dumps(arguments))
    child.stdin.close()
    jobs = f"/apis/batch/v1/namespaces/{space}/jobs"
    assert watching.until(client, jobs, "probe-before", lambda found: found, 60)
    child.kill()
    child.wait()
    # Its Helm ends with it.
    deadline = time.monotonic() + 5
    while pending.processes("probe", space):
        assert time.monotonic() < deadline


def test_39_an_upgrade_that_was_killed_is_repaired_and_then_made(
    rig: Rig, client: Client, space: str, program: str, arguments: Arguments
) -> None:
    deliver(arguments())
    killed_in(client, space, arguments({"hookSeconds": 600, "message": "bye"}))
    assert history(rig, program, space)[-1] == (2, "pending-upgrade")
    result = deliver(arguments({"message": "bye"}))
    assert "was pending-upgrade; it was returned to revision 1" in result["releases"][0]["done"][0]
    assert result["releases"][0]["revision"] == 4
    assert not deliver(arguments({"message": "bye"}))["changed"]


def test_40_a_first_installation_that_was_killed_is_removed_only_when_allowed(
    rig: Rig, client: Client, space: str, program: str, arguments: Arguments
) -> None:
    killed_in(client, space, arguments({"hookSeconds": 600}))
    before = history(rig, program, space)
    assert before == [(1, "pending-install")]
    refused = call("helm_deploy", arguments())
    assert "there is no revision to go back to. Nothing was changed" in refused["msg"]
    assert "allow_uninstall" in refused["next_step"]
    assert history(rig, program, space) == before
    result = deliver(arguments(allow_uninstall=True))
    assert "is uninstalled" in result["releases"][0]["done"][0]
    assert history(rig, program, space) == [(1, "deployed")]


def live(client: Client, space: str) -> Any:
    """Return what a release must not be touched in."""
    found = client.get(f"/apis/apps/v1/namespaces/{space}/deployments/probe")
    return found["spec"], found["metadata"]["generation"]


def test_41_what_the_last_good_revision_needs_and_is_gone_is_told_before(
    rig: Rig, client: Client, space: str, program: str, arguments: Arguments, kubelet: Kubelet
) -> None:
    secrets = f"/api/v1/namespaces/{space}/secrets"
    body = {"metadata": {"name": "needed"}, "stringData": {"password": "correct-horse"}}
    client.call("POST", secrets, body=body)
    image = f"registry.local/{space}:1"
    deliver(arguments({"image": image, "secret": "needed"}))
    client.delete(f"{secrets}/needed")
    kubelet.gone.add(image)
    result = call("helm_deploy", arguments({"behaviour": "crash"}))
    assert result["failed"]
    assert f"Secret {space}/needed does not exist" in result["msg"]
    assert f"image {image}: ErrImagePull" in result["msg"]
    assert "Nothing was changed" in result["msg"]
    assert [status for _number, status in history(rig, program, space)] == ["superseded", "deployed"]
    kubelet.gone.discard(image)
    client.call("POST", secrets, body=body)
    before = live(client, space)
    verified = call(
        "helm_verify",
        {
            "kubeconfig": str(rig.kubeconfig),
            "helm": program,
            "releases": [{"name": "probe", "namespace": space}],
            "on_failure": "rollback",
            "timeout": 30,
        },
    )
    assert "it was returned to revision 1 as revision 3, and that was verified" in verified["msg"]
    assert live(client, space) != before


CRD = {
    "metadata": {"name": "widgets.rampart.test"},
    "spec": {
        "group": "rampart.test",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}


def test_43_an_optional_object_that_is_never_ready_is_no_failure(
    client: Client, space: str, arguments: Arguments
) -> None:
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    if client.find(f"{crds}/widgets.rampart.test") is None:
        client.call("POST", crds, body=CRD)
        time.sleep(2)
    optional = [{"kind": "Widget", "condition": "Ready", "optional": True}]
    deliver(arguments({"widget": True}, rules=optional))
    status = {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "NoStore"}]}}
    path = f"/apis/rampart.test/v1/namespaces/{space}/widgets/probe"
    client.call("PATCH", f"{path}/status", body=status, content_type="application/merge-patch+json")
    verify = {key: value for key, value in arguments(rules=optional).items() if key != "releases"}
    release = [{"name": "probe", "namespace": space}]
    assert call("helm_verify", {**verify, "releases": release})["passed"]
    strict = {**verify, "releases": release, "rules": [], "timeout": 2, "on_failure": "report"}
    started = time.monotonic()
    assert "Ready is False (NoStore)" in call("helm_verify", strict)["msg"]
    assert time.monotonic() - started < 2 + 5


def test_a_second_writer_is_told_of_the_first(space: str, arguments: Arguments) -> None:
    deliver(arguments())
    client = Client(Connection(arguments()["kubeconfig"]), Redactor())
    with writer(client, space, "probe") as lease:
        started = time.monotonic()
        result = call("helm_deploy", arguments({"message": "bye"}))
        assert time.monotonic() - started < 12
        assert f"is held by {lease.identity}" in result["msg"]
