# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every promise of the module is checked against the audit log, all keys of etcd, and reads of our own."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor, encodings
from ansible_collections.rampart.k8s.plugins.module_utils._kube import access
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.support.rotating import Place, secret


def mutations(place: Place, mark: int) -> list[str]:
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in place.rig.audit(mark)
        if event["verb"] not in ("get", "list", "watch")
        and "dryRun=All" not in event["requestURI"]
        and event["user"]["username"] == "admin"
    ]


def test_check_do_check_do(place: Place) -> None:
    mark, stored = place.rig.mark(), place.stored()
    would = place.rotate(secret("db"), check=True)
    assert mutations(place, mark) == []
    assert place.stored() == stored
    did = place.rotate(secret("db"))
    assert (would["changed"], did["changed"]) == (True, True)
    assert would["reason"] == did["reason"] == f"{place.name}/db: it does not exist"
    first = place.content("db")
    assert first["username"] == b"app"
    stored = place.stored()
    for check in (True, False):
        again = place.rotate(secret("db"), check=check)
        assert again["changed"] is False
        assert again["reason"] == "none of 1 secrets is due"
    assert place.stored() == stored
    assert place.secrets() == ["db", "rampart-fingerprint-key"]


def test_a_rotation_reaches_every_pod_and_restarts_each_workload_once(place: Place) -> None:
    declared = [secret("db"), secret("key", {"name": "k", "generator": "bytes"}, secret_class="api_key")]
    place.rotate(*declared)
    place.deploy("api", "db", "key")
    place.deploy("web", "key")
    place.deploy("other")
    before = {name: place.deployment(name)["metadata"]["generation"] for name in ("api", "web", "other")}
    would = place.rotate(*declared, scope="all", check=True)
    assert [one["name"] for one in would["consumers"][f"{place.name}/key"]] == ["api", "web"]
    result = place.rotate(*declared, scope="all", max_unavailable="100%")
    assert result["restarted"] == [f"{place.name}/Deployment/api", f"{place.name}/Deployment/web"]
    after = {name: place.deployment(name)["metadata"]["generation"] for name in before}
    assert {name: after[name] - before[name] for name in before} == {"api": 1, "web": 1, "other": 0}
    for workload, name in (("api", "db"), ("api", "key"), ("web", "key")):
        assert place.held(workload, name) == [place.content(name)] * 2
    assert [one["state"] for one in result["rotations"]] == ["finished", "finished"]
    assert place.secrets() == ["db", "key", "rampart-fingerprint-key"]


def test_nothing_of_a_value_comes_out(place: Place) -> None:
    key = {"name": "k", "generator": "value", "value": "given-value-canary-123"}
    declared = [secret("db"), secret("given", key, secret_class="api_key")]
    said = [place.rotate(*declared)["_text"]]
    place.deploy("api", "db", "given")
    values = [*place.content("db").values(), *place.content("given").values()]
    said.append(place.rotate(*declared, scope="all", check=True)["_text"])
    declared[1]["keys"][0]["value"] = "given-value-canary-456"
    said.append(place.rotate(*declared, scope="all", reason="incident")["_text"])
    values += [*place.content("db").values(), *place.content("given").values()]
    key_value = base64.b64encode(place.content("rampart-fingerprint-key")["key"])
    forms = {form for value in (*values, key_value) if value != b"app" for form in encodings(value)}
    audit = place.rig.audit_log.read_text()
    events = json.dumps(place.client.list_all(f"/api/v1/namespaces/{place.name}/events")[0])
    objects = [place.deployment("api"), *place.client.list_all(f"/api/v1/namespaces/{place.name}/pods")[0]]
    notes = [
        item["metadata"] for item in place.client.list_all(f"/api/v1/namespaces/{place.name}/secrets")[0]
    ]
    for text in (*said, audit, events, json.dumps(objects), json.dumps(notes)):
        assert not [form for form in forms if form in text]


def test_a_sick_workload_brings_everything_back(place: Place) -> None:
    place.rotate(secret("db"))
    place.deploy("api", "db")
    place.deploy("web", "db")
    old, templates = (
        place.content("db"),
        {name: place.deployment(name)["spec"]["template"] for name in ("api", "web")},
    )
    notes = place.client.get(f"/api/v1/namespaces/{place.name}/secrets/db")["metadata"]["annotations"]
    place.sick.add("web")
    result = place.rotate(secret("db"), scope="all", max_unavailable="1")
    assert result["failed"]
    assert "Deployment" in result["msg"]
    assert "CrashLoopBackOff" in result["msg"]
    assert "that was verified" in result["msg"]
    assert result["rollback"] == "verified"
    assert place.content("db") == old
    assert {name: place.deployment(name)["spec"]["template"] for name in ("api", "web")} == templates
    now = place.client.get(f"/api/v1/namespaces/{place.name}/secrets/db")["metadata"]["annotations"]
    assert {key: text for key, text in now.items() if "fencing" not in key} == {
        key: text for key, text in notes.items() if "fencing" not in key
    }
    assert place.held("api", "db") == [old] * 2
    assert place.secrets() == ["db", "rampart-fingerprint-key"]
    place.sick.clear()
    # A new value: the one that was tried is not tried again.
    assert place.rotate(secret("db"), scope="all")["changed"] is True
    assert place.content("db") != old


@contextmanager
def held_by_another(place: Place) -> Iterator[Lease]:
    client = Client(Connection(str(place.rig.kubeconfig)), Redactor())
    with Lease(client, place.name, "rampart-rotation") as lease:
        yield lease


def test_9_a_second_rotation_fails_at_once_and_names_the_first(place: Place) -> None:
    place.rotate(secret("db"))
    with held_by_another(place) as lease:
        started = time.monotonic()
        result = place.rotate(secret("db"), scope="all")
        assert time.monotonic() - started < 2
        assert result["failed"]
        assert lease.identity in result["msg"]
        assert result["holder"] == lease.identity
        assert place.rotate(secret("db"))["changed"] is False


def test_9_or_it_waits_as_long_as_it_is_told(place: Place) -> None:
    place.rotate(secret("db"))
    old, released = place.content("db"), threading.Event()

    def hold() -> None:
        with held_by_another(place):
            released.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    threading.Timer(2, released.set).start()
    result = place.rotate(secret("db"), scope="all", lock_timeout=20)
    holder.join()
    assert result["changed"] is True
    assert place.content("db") != old


def test_what_a_workload_loads_by_itself_restarts_nothing(place: Place) -> None:
    place.rotate(secret("db"))
    place.deploy("api", "db", reload="{}")
    before = place.deployment("api")["metadata"]["generation"]
    place.kubelet.refreshes = True
    result = place.rotate(secret("db"), scope="all")
    assert result["restarted"] == []
    assert place.deployment("api")["metadata"]["generation"] == before
    assert place.held("api", "db") == [place.content("db")] * 2


def test_a_pod_that_nobody_restarts_keeps_the_old_one_valid(place: Place) -> None:
    place.rotate(secret("db"))
    pods = f"/api/v1/namespaces/{place.name}/pods"
    spec = {
        "containers": [
            {
                "name": "main",
                "image": "registry.local/a:1",
                "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
            }
        ]
    }
    place.client.call(
        "POST", pods, body={"metadata": {"name": "bare", "labels": {"app": "bare"}}, "spec": spec}
    )
    result = place.rotate(secret("db"), scope="all", unused_timeout=1)
    (rotation,) = result["rotations"]
    assert rotation["state"] == "waiting"
    assert rotation["waiting_for"] == ["Pod bare: a bare pod cannot be restarted by a controller"]
    assert place.rotate(secret("db"), unused_timeout=1)["changed"] is False
    hasty = {"database": {"longest_overlap_hours": 0}}
    for check in (True, False):
        quiet = place.rotate(secret("db"), classes=hasty, check=check)
        assert "is used long after its rotation: Pod bare: a bare pod" in quiet["msg"]
        assert [one["overdue"] for one in quiet["rotations"]] == [True]
    place.client.delete(f"{pods}/bare")
    result = place.rotate(secret("db"))
    assert [one["state"] for one in result["rotations"]] == ["finished"]
    assert place.secrets() == ["db", "rampart-fingerprint-key"]


def test_what_others_keep_is_left_alone(place: Place) -> None:
    path = f"/api/v1/namespaces/{place.name}/secrets"
    note = {"cert-manager.io/certificate-name": "web"}
    place.client.call("POST", path, body={"metadata": {"name": "db", "annotations": note}, "data": {}})
    stored = place.stored()
    result = place.rotate(secret("db"), scope="all")
    assert "it is kept by Certificate web of cert-manager, which would change it back" in result["msg"]
    assert place.stored() == stored


def test_versions_are_immutable_and_references_are_led_on(place: Place) -> None:
    declared = secret(
        "conf", {"name": "k", "generator": "bytes"}, secret_class="api_key", strategy="versioned"
    )
    (entry,) = place.rotate(declared)["secrets"]
    first = entry["object"]
    place.deploy("api", first)
    (entry,) = place.rotate(declared, scope="all")["secrets"]
    second = entry["object"]
    assert first != second
    named = place.deployment("api")["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"]
    assert named == second
    assert place.client.get(f"/api/v1/namespaces/{place.name}/secrets/{second}")["immutable"] is True
    assert place.rotate(declared)["changed"] is False
    place.sick.add("api")
    result = place.rotate(declared, scope="all")
    assert result["rollback"] == "verified"
    assert place.deployment("api")["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"] == second
    assert [name for name in place.secrets() if name.startswith("conf-")] == sorted([first, second])


@pytest.mark.parametrize("check", [True, False])
def test_16_a_missing_permission_stops_all_before_the_first_write(place: Place, check: bool) -> None:
    place.rotate(secret("db"))
    kubeconfig = granted(
        place,
        f"eve-{place.name}",
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "patch"]},
    )
    stored = place.stored()
    result = place.rotate(secret("db"), scope="all", check=check, kubeconfig=kubeconfig)
    assert f"delete secrets in {place.name}" in result["missing_permissions"]
    assert f"create leases.coordination.k8s.io in {place.name}" in result["missing_permissions"]
    assert place.stored() == stored


def granted(place: Place, name: str, *rules: dict[str, Any]) -> str:
    """Make a user that may do some things everywhere; return its kubeconfig."""
    root = "/apis/rbac.authorization.k8s.io/v1"
    place.client.call("POST", f"{root}/clusterroles", body={"metadata": {"name": name}, "rules": list(rules)})
    subject = {"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    reference = {"kind": "ClusterRole", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    binding = {"metadata": {"name": name}, "subjects": [subject], "roleRef": reference}
    place.client.call("POST", f"{root}/clusterrolebindings", body=binding)
    kubeconfig = str(place.rig.kubeconfig_for(name))
    user, deadline = Client(Connection(kubeconfig), Redactor()), time.monotonic() + 10
    # What was granted is known to the API server a moment later.
    while not access.allowed(user, access.Permission("list", "", "secrets")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return kubeconfig


def test_16_each_backend_and_generator_says_what_it_takes(place: Place) -> None:
    declared = [
        secret(
            "token",
            {"name": "token", "generator": "backend"},
            secret_class="token",
            backend={"service_account": {"name": "default"}},
        ),
        secret(
            "listed",
            {"name": "key"},
            backend={"key_list": {"namespace": "default", "name": "l", "key": "key"}},
        ),
        secret(
            "served", {"name": "tls.crt", "generator": "tls", "signer_name": "test.local/a", "dns": ["a"]}
        ),
    ]
    everything = {"apiGroups": ["*"], "verbs": ["get", "list", "watch"], "resources": ["*"]}
    mine = {"apiGroups": [""], "verbs": ["create", "patch", "delete"], "resources": ["secrets"]}
    leases = {"apiGroups": ["coordination.k8s.io"], "verbs": ["create", "update"], "resources": ["leases"]}
    parts = {"apiGroups": [""], "verbs": ["create"], "resources": ["*/exec"]}
    kubeconfig = granted(place, f"kim-{place.name}", everything, mine, leases, parts)
    stored = place.stored()
    result = place.rotate(*declared, kubeconfig=kubeconfig)
    assert result["missing_permissions"] == [
        "approve signers.certificates.k8s.io test.local/a in the cluster",
        "create serviceaccounts/token in " + place.name,
        "create tokenreviews.authentication.k8s.io in the cluster",
        "create certificatesigningrequests.certificates.k8s.io in the cluster",
        "delete certificatesigningrequests.certificates.k8s.io in the cluster",
        "patch pods in default",
        "update certificatesigningrequests/approval.certificates.k8s.io in the cluster",
    ]
    assert place.stored() == stored


def test_a_token_that_is_not_issued_leaves_no_anchor(place: Place) -> None:
    account = {"name": "default", "expiration_seconds": 1}
    key = {"name": "token", "generator": "backend"}
    result = place.rotate(secret("token", key, secret_class="token", backend={"service_account": account}))
    assert "a token of ServiceAccount" in result["msg"]
    assert result["rollback"] == "verified"
    assert place.secrets() == ["rampart-fingerprint-key"]
    account["expiration_seconds"] = 3600
    assert place.rotate(secret("token", key, secret_class="token", backend={"service_account": account}))[
        "changed"
    ]
    (anchor,) = [name for name in place.secrets() if name.startswith("token-token-")]
    assert place.secrets() == ["rampart-fingerprint-key", "token", anchor]


def test_an_authority_and_its_certificates_change_without_a_gap(place: Place) -> None:
    ca = secret(
        "ca",
        {"name": "tls.crt", "generator": "authority", "common_name": "test"},
        secret_class="authority",
        type="kubernetes.io/tls",
    )
    leaf = secret(
        "web",
        {"name": "tls.crt", "generator": "tls", "ca": "ca", "common_name": "web", "dns": ["web"]},
        secret_class="tls",
        type="kubernetes.io/tls",
    )
    place.rotate(ca, leaf)
    place.deploy("server", "web")
    before = place.content("web")
    result = place.rotate(ca, leaf, scope="all", reason="incident")
    assert [one["state"] for one in result["rotations"]] == ["finished"]
    after = place.content("web")
    assert after["tls.crt"] != before["tls.crt"]
    assert after["ca.crt"] == place.content("ca")["ca.crt"]
    assert after["ca.crt"].count(b"BEGIN") == 1
    # Introduced, activated and retired: three contents were rolled out, each proved in the pods.
    assert place.held("server", "web") == [after] * 2
