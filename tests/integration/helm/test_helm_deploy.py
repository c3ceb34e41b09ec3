# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helm_deploy sends, shows and leaves behind, on a real API server with both Helms."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import encodings
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.leaks.channels import processes
from tests.rig import Rig
from tests.rig.modules import run_module
from tests.support.releases import namespace

Arguments = Callable[..., dict[str, Any]]

# Every process of the machine is looked at: it must be this test's alone.
CANARY = secrets.token_urlsafe(24)
READS = {"get", "list", "watch"}


def writes(rig: Rig, mark: int) -> list[str]:
    """Return what was really written since: neither reads, nor dry runs, nor questions about rights."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in rig.audit(mark)
        if event["verb"] not in READS
        and "dryRun=All" not in event["requestURI"]
        and event.get("userAgent", "").startswith(("rampart.k8s", "Helm"))
        and "/status" not in event["requestURI"]
    ]


def test_check_mode_shows_the_very_change_and_makes_none(rig: Rig, arguments: Arguments) -> None:
    mark = rig.mark()
    planned = run_module("helm_deploy", arguments(), check=True)
    assert planned["changed"]
    assert writes(rig, mark) == []
    done = run_module("helm_deploy", arguments())
    assert not done.get("failed"), done["msg"]
    assert done["diff"] == planned["diff"]
    assert done["releases"][0]["reason"] == planned["releases"][0]["reason"]
    mark = rig.mark()
    again = run_module("helm_deploy", arguments())
    assert (again["changed"], writes(rig, mark)) == (False, [])
    assert not run_module("helm_deploy", arguments(), check=True)["changed"]


def test_drift_is_put_right_and_nothing_else(
    rig: Rig, client: Client, space: str, arguments: Arguments
) -> None:
    run_module("helm_deploy", arguments())
    path = f"/api/v1/namespaces/{space}/configmaps/probe"
    client.delete(path)
    result = run_module("helm_deploy", arguments())
    assert f"ConfigMap {space}/probe is missing" in result["releases"][0]["reason"]
    assert client.find(path) is not None
    assert result["releases"][0]["revision"] == 2


def test_only_what_was_verified_before_is_promoted(
    client: Client, space: str, arguments: Arguments, tmp_path: Path
) -> None:
    given = arguments(evidence_dir=str(tmp_path / "evidence"))
    first = given["releases"][0]
    second = {**first, "namespace": namespace(client), "promoted_from": space}
    deployment = f"/apis/apps/v1/namespaces/{second['namespace']}/deployments/probe"
    refused = run_module("helm_deploy", {**given, "releases": [second]})
    assert f"the verdict of helm_verify on {space}/probe is missing" in refused["msg"]
    # What fails in the first does not come to the second, whose evidence nobody has then.
    failing = {**first, "values": {**first["values"], "behaviour": "crash"}}
    both = {**given, "allow_uninstall": True, "releases": [failing, second]}
    assert f"release {space}/probe failed" in run_module("helm_deploy", both)["msg"]
    assert client.find(deployment) is None
    done = run_module("helm_deploy", {**given, "releases": [first, second]})
    assert not done.get("failed"), done["msg"]
    assert [each["revision"] for each in done["releases"]] == [1, 1]
    second["values"] = {**second["values"], "image": "registry.local/b:1"}
    other = run_module("helm_deploy", {**given, "releases": [first, second]})
    assert f"{space}/probe with registry.local/b:1 is missing" in other["msg"]
    assert client.get(deployment)["metadata"]["generation"] == 1


def test_secret_values_are_seen_nowhere(rig: Rig, client: Client, space: str, arguments: Arguments) -> None:
    given = arguments()
    given["releases"][0]["secret_values"] = {"extra": {"TOKEN": CANARY}, "message": f"page of {CANARY}"}
    forms = encodings(CANARY)
    with processes() as started:
        shown = [run_module("helm_deploy", given, check=True), run_module("helm_deploy", given)]
        # A page that is not the one expected: the failure must not quote it either.
        given["probes"] = [{"type": "command", "selector": {"app": "x"}, "command": ["a"], "tries": 1}]
        given["releases"][0]["values"]["message"] = "x"
        shown.append(run_module("helm_deploy", given))
    assert not shown[1].get("failed"), shown[1]["msg"]
    for result in shown:
        text = json.dumps(result)
        assert not [form for form in forms if form in text]
    assert any(b"helm" in line for line in started)
    assert not [line for line in started if any(form.encode() in line for form in forms)]
    # It did arrive.
    deployment = client.get(f"/apis/apps/v1/namespaces/{space}/deployments/probe")
    assert CANARY in json.dumps(deployment["spec"])


def test_a_chart_with_a_conflict_names_the_owner(
    client: Client, space: str, arguments: Arguments, program: str
) -> None:
    run_module("helm_deploy", arguments())
    path = f"/apis/apps/v1/namespaces/{space}/deployments/probe"
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe", "namespace": space}}
    client.apply(path, {**body, "spec": {"replicas": 2}}, field_manager="somebody", force=True)
    result = run_module("helm_deploy", arguments(on_failure="report"))
    if program.endswith("4"):
        assert result["failed"]
        assert "somebody" in result["msg"]
        assert ".spec.replicas" in result["msg"]
        result = run_module("helm_deploy", arguments(force_conflicts=True))
    assert not result.get("failed"), result["msg"]
    assert client.get(path)["spec"]["replicas"] == 1
