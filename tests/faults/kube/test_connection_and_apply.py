# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong between a task and a cluster, and what the person gets to read (the plan's numbers)."""

from __future__ import annotations

import base64
import datetime
import json
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.rig import Rig
from tests.rig.modules import run_module
from tests.rig.pki import Authority

CANARY = "correct-horse-battery-staple"


def config_map(name: str, namespace: str = "default") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x": "1"}}


def apply(
    kubeconfig: Path | str, *definitions: dict[str, Any], check: bool = False, **more: Any
) -> dict[str, Any]:
    return run_module(
        "manifest_apply", {"kubeconfig": str(kubeconfig), "definitions": definitions, **more}, check=check
    )


def create(client: Client, path: str, **body: Any) -> None:
    client.call("POST", path, body=body)


def copy_of(rig: Rig, folder: Path, mode: int = 0o600, **cluster_or_user: Any) -> Path:
    """Copy the administrator's kubeconfig with changed entries."""
    document = json.loads(rig.kubeconfig.read_text())
    document["clusters"][0]["cluster"].update(cluster_or_user.get("cluster", {}))
    if "user" in cluster_or_user:
        document["users"][0]["user"] = cluster_or_user["user"]
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document))
    path.chmod(mode)
    return path


@pytest.fixture
def twenty(client: Client, name: str) -> list[str]:
    """Make twenty namespaces; the user ``eve-NAME`` may write in all of them but one."""
    spaces = [f"{name}-{number}" for number in range(20)]
    role = {"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "patch", "create"]}]}
    subject = {"kind": "User", "name": f"eve-{name}", "apiGroup": "rbac.authorization.k8s.io"}
    root = "/apis/rbac.authorization.k8s.io/v1"
    create(client, f"{root}/clusterroles", metadata={"name": name}, **role)
    for space in spaces:
        create(client, "/api/v1/namespaces", metadata={"name": space})
        if space != spaces[13]:
            create(
                client,
                f"{root}/namespaces/{space}/rolebindings",
                metadata={"name": "writer"},
                subjects=[subject],
                roleRef={"kind": "ClusterRole", "name": name, "apiGroup": "rbac.authorization.k8s.io"},
            )
    return spaces


@pytest.mark.parametrize("check", [True, False])
def test_16_one_missing_permission_stops_all_before_the_first_write(
    rig: Rig, name: str, twenty: list[str], check: bool
) -> None:
    stored = rig.stored()
    definitions = [config_map("c", space) for space in twenty]
    result = apply(rig.kubeconfig_for(f"eve-{name}"), *definitions, check=check)
    assert result["missing_permissions"] == [
        f"{verb} configmaps in {twenty[13]}" for verb in ("create", "get", "patch")
    ]
    assert "Nothing was written" in result["msg"]
    assert rig.stored() == stored


def test_16_the_other_nineteen_are_fine(rig: Rig, name: str, twenty: list[str]) -> None:
    definitions = [config_map("c", space) for space in twenty if space != twenty[13]]
    assert apply(rig.kubeconfig_for(f"eve-{name}"), *definitions)["counts"]["created"] == 19


@pytest.fixture
def frozen(rig: Rig) -> Iterator[None]:
    """Stop the API server without ending it: connections are made and nothing answers."""
    rig.signal("kube-apiserver", signal.SIGSTOP)
    yield
    rig.signal("kube-apiserver", signal.SIGCONT)
    rig.wait_ready()


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("check", [True, False])
def test_18_a_server_that_does_not_answer_ends_with_the_timeout(rig: Rig, name: str, check: bool) -> None:
    started = time.monotonic()
    result = apply(rig.kubeconfig, config_map(name), check=check, request_timeout=2, api_timeout=4)
    assert time.monotonic() - started < 4 + 5
    assert "did not answer in time" in result["msg"]
    assert "raise request_timeout" in result["next_step"]


def test_18_a_wait_ends_although_the_server_froze_in_it(rig: Rig, name: str) -> None:
    resource = {"api_version": "v1", "kind": "ConfigMap", "name": name}
    timer = threading.Timer(1.0, rig.signal, ("kube-apiserver", signal.SIGSTOP))
    timer.start()
    started = time.monotonic()
    try:
        given = {
            "kubeconfig": str(rig.kubeconfig),
            "resources": [resource],
            "timeout": 3,
            "request_timeout": 2,
        }
        result = run_module("resource_ready", given)
    finally:
        timer.join()
        rig.signal("kube-apiserver", signal.SIGCONT)
        rig.wait_ready()
    assert time.monotonic() - started < 3 + 5
    assert result["failed"]


def plugin(rig: Rig, folder: Path) -> Path:
    login = folder / "login"
    login.write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
    login.chmod(0o700)
    entry = {"command": str(login), "apiVersion": "client.authentication.k8s.io/v1"}
    return copy_of(rig, folder, user={"exec": entry})


KUBECONFIGS: list[tuple[str, Callable[[Rig, Path], Path], str, dict[str, Any]]] = [
    ("writable", lambda rig, folder: copy_of(rig, folder, 0o666), "can be written by others", {}),
    (
        "http",
        lambda rig, folder: copy_of(rig, folder, cluster={"server": "http://192.0.2.1:8080"}),
        "only https is safe",
        {},
    ),
    ("exec", plugin, "running programs is forbidden", {"allow_exec_plugins": False}),
    (
        "expired",
        lambda rig, _unused: rig.kubeconfig_for(
            "late", "system:masters", lifetime=-datetime.timedelta(hours=1)
        ),
        "expired on 20",
        {},
    ),
]


@pytest.mark.parametrize(
    ("make", "said", "options"), [row[1:] for row in KUBECONFIGS], ids=[row[0] for row in KUBECONFIGS]
)
@pytest.mark.parametrize("check", [True, False])
def test_47_a_bad_kubeconfig_is_refused_in_words(
    rig: Rig, name: str, tmp_path: Path, make: Any, said: str, options: dict[str, Any], check: bool
) -> None:
    stored = rig.stored()
    result = apply(make(rig, tmp_path), config_map(name), check=check, **options)
    assert result["failed"]
    assert said in result["msg"]
    assert not (tmp_path / "ran").exists()
    assert rig.stored() == stored


def test_48_a_stranger_in_between_sees_no_token(rig: Rig, name: str, tmp_path: Path) -> None:
    certificate, key = Authority("stranger").server("127.0.0.1")
    (tmp_path / "pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    heard: list[bytes] = []

    def listen(server: socket.socket) -> None:
        plain, _unused = server.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as secured:
                heard.append(secured.recv(4096))
        except ssl.SSLError as error:
            heard.append(str(error).encode())

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=listen, args=(server,))
        thread.start()
        address = f"https://127.0.0.1:{server.getsockname()[1]}"
        path = copy_of(rig, tmp_path, cluster={"server": address}, user={"token": CANARY})
        result = apply(path, config_map(name))
        thread.join()
    assert (
        "not signed by the certificate authority of the kubeconfig; no credential was sent" in result["msg"]
    )
    assert CANARY.encode() not in b"".join(heard)
    assert b"UNKNOWN_CA" in heard[0].upper().replace(b" ", b"_")


def test_52_a_namespace_that_does_not_end_is_waited_for_and_named(
    rig: Rig, client: Client, name: str
) -> None:
    # This rig has no controllers: the finalizer "kubernetes" is never taken off.
    create(client, "/api/v1/namespaces", metadata={"name": name})
    client.delete(f"/api/v1/namespaces/{name}")
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    would = apply(rig.kubeconfig, space, config_map("c", name), check=True)
    assert would["counts"]["created"] == 2
    started = time.monotonic()
    result = apply(rig.kubeconfig, space, config_map("c", name), wait_timeout=1)
    assert time.monotonic() - started < 1 + 5
    assert f"Namespace {name} is not gone after 1 s" in result["msg"]
    assert "being terminated" in apply(rig.kubeconfig, config_map("c", name))["msg"]


def test_52_a_foreign_finalizer_is_named(rig: Rig, client: Client, name: str) -> None:
    held = config_map(name)
    held["metadata"]["finalizers"] = ["example.com/backup"]
    apply(rig.kubeconfig, held)
    result = apply(rig.kubeconfig, held, state="absent", wait=True, wait_timeout=1)
    assert "It is held by: example.com/backup" in result["msg"]
    # As soon as the other one lets go, it is made anew.
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    free = {"metadata": {"finalizers": None}}
    timer = threading.Timer(
        0.5, lambda: client.call("PATCH", path, body=free, content_type="application/merge-patch+json")
    )
    timer.start()
    again = apply(rig.kubeconfig, config_map(name), wait_timeout=20)
    timer.join()
    assert again["counts"]["created"] == 1
    assert client.get(path)["data"] == {"x": "1"}


def test_52_a_foreign_field_manager_is_named_and_not_overruled(rig: Rig, client: Client, name: str) -> None:
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    client.apply(path, {**config_map(name), "data": {"x": "2"}}, field_manager="somebody")
    stored = rig.stored()
    for check in (True, False):
        result = apply(rig.kubeconfig, config_map(name), config_map(f"{name}-other"), check=check)
        assert result["conflicts"] == [{"field": ".data.x", "manager": "somebody"}]
        assert ".data.x is owned by somebody" in result["msg"]
    assert rig.stored() == stored
    assert apply(rig.kubeconfig, config_map(name), force_conflicts=True)["counts"]["updated"] == 1


def faulty(kind: str, rig: Rig, folder: Path, name: str) -> tuple[Path, list[dict[str, Any]]]:
    """Return a kubeconfig and definitions that cannot be applied."""
    good = config_map(name)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": {"password": CANARY},
        "type": "Opaque",
    }
    bad: dict[str, Any] = {
        "unknown field": {**secret, "unknown": CANARY},
        "wrong type": {**secret, "immutable": "not a boolean"},
        "bad name": {**secret, "metadata": {"name": "Not_A_Name"}},
        "no namespace": {**secret, "metadata": {"name": name, "namespace": f"{name}-none"}},
        "twice": secret,
    }
    return rig.kubeconfig, [good, secret, bad[kind]]


@pytest.mark.parametrize("kind", ["unknown field", "wrong type", "bad name", "twice"])
def test_54_a_dry_run_foretells_the_failure_and_shows_no_secret(
    rig: Rig, name: str, tmp_path: Path, kind: str
) -> None:
    path, definitions = faulty(kind, rig, tmp_path, name)
    stored, mark = rig.stored(), rig.mark()
    would = apply(path, *definitions, check=True)
    did = apply(path, *definitions)
    assert would["failed"]
    assert would["msg"] == did["msg"]
    assert rig.stored() == stored
    plain = [
        event
        for event in rig.audit(mark)
        if event["verb"] == "patch" and "dryRun=All" not in event["requestURI"]
    ]
    assert plain == []
    for form in (CANARY, base64.b64encode(CANARY.encode()).decode().rstrip("=")[:-1], CANARY.encode().hex()):
        assert form not in would["_text"] + did["_text"]


def test_54_a_dry_run_foretells_the_change(rig: Rig, name: str) -> None:
    definitions = [config_map(name), config_map(f"{name}-2")]
    apply(rig.kubeconfig, definitions[0])
    for expected in (True, False):
        would = apply(rig.kubeconfig, *definitions, check=True)
        did = apply(rig.kubeconfig, *definitions)
        assert (would["changed"], did["changed"]) == (expected, expected)
        assert would["objects"] == did["objects"]
