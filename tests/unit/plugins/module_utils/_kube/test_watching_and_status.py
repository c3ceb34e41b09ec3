# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.doc_fragments.kubernetes import ModuleDocFragment
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection


def thing(version: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x", "resourceVersion": version}, **more}


def event(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": found}


@pytest.fixture
def client_for(serve: Any, write_kubeconfig: Any, answer: Any) -> Callable[..., tuple[Client, Any]]:
    """Return a client whose server plays lists and watches in turn."""

    def make(lists: list[Any], watches: list[Any]) -> tuple[Client, Any]:
        lists_left, watches_left = iter(lists), iter(watches)

        def script(asked: Any) -> Any:
            return next(watches_left if "watch=true" in asked.path else lists_left)

        server = serve(script)
        return Client(Connection(str(write_kubeconfig(server.url))), Redactor()), server

    return make


def take(client: Client, count: int) -> list[watching.Event]:
    found = watching.follow(client, "/x", {}, time.monotonic() + 10)
    return [next(found) for _unused in range(count)]


def test_a_closed_watch_goes_on_where_it_ended(client_for: Any, answer: Any) -> None:
    client, server = client_for(
        [answer(body={"items": [thing("1")], "metadata": {"resourceVersion": "5"}})],
        [
            answer(body=[event("MODIFIED", thing("6")), event("BOOKMARK", thing("8"))]),
            answer(body=[event("DELETED", thing("9"))]),
        ],
    )
    assert [found.type for found in take(client, 3)] == ["LIST", "MODIFIED", "DELETED"]
    assert "resourceVersion=5" in server.asked[1].path
    assert "resourceVersion=8" in server.asked[2].path


def test_a_place_that_the_server_forgot_asks_for_a_new_list(client_for: Any, answer: Any) -> None:
    gone = {"kind": "Status", "code": 410, "reason": "Expired"}
    lists = [answer(body={"items": [], "metadata": {"resourceVersion": str(number)}}) for number in range(3)]
    client, server = client_for(
        lists,
        [answer(body=[event("ERROR", gone)]), answer(410, gone), answer(body=[event("ADDED", thing("9"))])],
    )
    assert [found.type for found in take(client, 4)] == ["LIST", "LIST", "LIST", "ADDED"]
    assert "resourceVersion=2" in server.asked[-1].path


def test_a_watch_that_ends_before_it_tells_anything_asks_for_a_new_list(client_for: Any, answer: Any) -> None:
    lists = [answer(body={"items": [], "metadata": {"resourceVersion": str(number)}}) for number in range(2)]
    client, server = client_for(lists, [answer(body=[]), answer(body=[event("ADDED", thing("9"))])])
    assert [found.type for found in take(client, 3)] == ["LIST", "LIST", "ADDED"]
    assert "resourceVersion=1" in server.asked[-1].path


def test_a_forbidden_watch_is_told(client_for: Any, answer: Any) -> None:
    refused = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "cannot watch"}
    client, _unused = client_for([answer(body={"items": [], "metadata": {}})], [answer(403, refused)])
    with pytest.raises(status.ApiError, match="cannot watch"):
        take(client, 2)


def test_waiting_ends_with_the_decision_or_the_timeout(client_for: Any, answer: Any) -> None:
    empty = answer(body={"items": [], "metadata": {"resourceVersion": "1"}})
    client, server = client_for([empty], [answer(body=[event("ADDED", thing("2"))])])
    assert watching.until(client, "/x", "x", lambda found: found and "came", 10) == "came"
    assert "fieldSelector=metadata.name%3Dx" in server.asked[0].path

    client, _unused = client_for([empty] * 9, [answer(body=[])] * 9)
    assert watching.until(client, "/x", "x", lambda found: found and "came", 1) is None


@pytest.mark.parametrize(
    ("code", "message", "step"),
    [
        (403, 'configmaps is forbidden: User "eve" cannot create', "ask the cluster's administrator"),
        (403, "exceeded quota: small, requested: cpu=1", "raise the quota"),
        (403, 'pods "x" is forbidden: violates PodSecurity "restricted"', "Pod Security level"),
        (403, "unable to create because namespace x is being terminated", "until the namespace is gone"),
        (500, 'failed calling webhook "v.example.com": connection refused', "admission webhook"),
        (404, 'secrets "x" not found', "create it first"),
        (418, "teapot", "audit log"),
    ],
)
def test_refusals_come_with_a_next_step(code: int, message: str, step: str) -> None:
    error = status.error("apply", "ConfigMap n/x", {"code": code, "message": message})
    assert error.message == f"Could not apply ConfigMap n/x: {message}"
    assert step in error.next_step


def test_a_conflict_names_managers_and_fields() -> None:
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl" using v1', "field": ".data.x"},
        {"reason": "FieldManagerConflict", "message": 'conflict with "hpa"', "field": ".spec.replicas"},
    ]
    error = status.error("apply", "X y", {"code": 409, "message": "no", "details": {"causes": causes}})
    assert ".data.x is owned by kubectl; .spec.replicas is owned by hpa" in error.message
    assert error.details["conflicts"] == [
        {"field": ".data.x", "manager": "kubectl"},
        {"field": ".spec.replicas", "manager": "hpa"},
    ]
    assert "force_conflicts" in error.next_step


def test_which_thing_is_missing_is_known() -> None:
    found = {"code": 404, "details": {"kind": "namespaces", "name": "n"}}
    assert status.error("apply", "X", found).missing_kind == "namespaces"
    assert status.error("apply", "X", {"code": 409}).missing_kind == ""


def test_causes_of_an_invalid_object_are_plain_data() -> None:
    causes = [{"reason": "FieldValueInvalid", "field": "spec.x", "message": "must be small"}]
    error = status.error("apply", "X", {"code": 422, "message": "no", "details": {"causes": causes}})
    assert error.details["causes"] == [{"field": "spec.x", "message": "must be small"}]


def test_the_documented_connection_is_the_real_one() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    names = ("type", "default")
    assert {
        name: {key: option[key] for key in names if key in option} for name, option in documented.items()
    } == CONNECTION.options


def test_the_kubeconfig_is_looked_for_as_kubectl_does(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {name: option.get("default") for name, option in CONNECTION.options.items()}
    monkeypatch.setenv("KUBECONFIG", "/from/environment")
    assert Connection.of(parameters).kubeconfig == "/from/environment"
    monkeypatch.delenv("KUBECONFIG")
    assert Connection.of(parameters).kubeconfig == "~/.kube/config"
    assert Connection.of({**parameters, "kubeconfig": "/given"}).kubeconfig == "/given"
