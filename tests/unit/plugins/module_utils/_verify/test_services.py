# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs is asked for real; whatever was not tried is not proven, and every control answers for itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.forward import NoEndpointError
from ansible_collections.rampart.k8s.plugins.module_utils._verify import asking, listening, services
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.services import ServiceVerify

from tests.support.cluster import FakeCluster

LOG = "/api/v1/namespaces/dev/pods/app-1/log"


def request(**changes: Any) -> dict[str, Any]:
    return {
        "control": "authentication",
        "namespace": None,
        "service": "app",
        "port": 80,
        "method": "GET",
        "path": "/me",
        "headers": {},
        "body": "",
        "status": [401],
        "response_headers": {},
        "absent": [],
        "logged": None,
        **changes,
    }


class Application(BaseHTTPRequestHandler):
    """Refuses, in one of several ways."""

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Bearer good"
        body = b'{"detail": "Traceback: line 1"}' if self.path == "/talks" else b"{}"
        self.server.lines.append(f"{self.path} {200 if known else 401}")  # type: ignore[attr-defined]
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


class World(FakeCluster):
    """A cluster with one release, whose ports lead to a server of this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.listens = {8000}
        self.near = 0
        self.lines: list[str] = []
        self.transport = self
        self.troubles: list[NoEndpointError] = []
        self.lists["/api/v1/namespaces/dev/pods"] = [
            {
                "metadata": {"namespace": "dev", "name": "app-1", "labels": {"app": "app"}},
                "spec": {"containers": [{"name": "main", "ports": [{"containerPort": 8000}]}]},
                "status": {"phase": "Running"},
            }
        ]
        self.lists["/api/v1/namespaces/dev/services"] = [
            {
                "metadata": {"namespace": "dev", "name": "app"},
                "spec": {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": 8000}]},
            }
        ]
        monkeypatch.setattr(services, "endpoints", self.endpoints)
        monkeypatch.setattr(services, "forwarded", self.forwarded)
        monkeypatch.setattr(listening, "read", lambda _client, _pod: self.read())
        monkeypatch.setattr(asking, "LOG_PATIENCE", 0.0)

    def read(self) -> set[int]:
        return self.listens

    def find(self, path: str, *, target: str = "") -> dict[str, Any] | None:
        return {"metadata": {"name": path}} if path == "/api/v1/namespaces/dev" else None

    def send(self, _method: str, path: str, **_more: Any) -> Any:
        assert path == LOG
        return SimpleNamespace(status=200, body="\n".join(self.lines).encode())

    def endpoints(self, *_words: Any) -> list[tuple[str, int]]:
        for trouble in self.troubles:
            raise trouble
        return [("app-1", 8000)]

    @contextmanager
    def forwarded(self, *_words: Any) -> Iterator[int]:
        yield self.near

    def prove(self, **changes: Any) -> tuple[dict[str, str], list[Proof]]:
        parameters = {
            "namespaces": ["dev"],
            "tls": [],
            "plain": [{"namespace": None, "service": "app", "port": 80, "reason": "inside"}],
            "open": [],
            "requests": [],
            "min_days": 7,
            "report_only": True,
            **changes,
        }
        made = ServiceVerify(parameters, Redactor(), check_mode=False)
        proofs = made.prove(self)  # type: ignore[arg-type]
        return made.more["controls"], [proof for proof in proofs if proof.verdict is not Verdict.HELD]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(monkeypatch)
    with ThreadingHTTPServer(("127.0.0.1", 0), Application) as server:
        server.lines = made.lines  # type: ignore[attr-defined]
        made.near = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield made
        server.shutdown()


def test_a_release_that_opens_what_it_says_passes(world: World) -> None:
    assert world.prove(requests=[request()]) == ({"ports": "passed", "authentication": "passed"}, [])


def test_a_port_that_nobody_declared_is_found(world: World) -> None:
    world.listens = {8000, 9999}
    controls, (proof,) = world.prove()
    assert controls["ports"] == "failed"
    assert str(proof) == "Pod dev/app-1 listens on no port that nobody declared: it listens on 9999"


def test_a_pod_that_seems_to_listen_nowhere_proves_nothing(world: World) -> None:
    world.listens = set()
    controls, (proof,) = world.prove()
    assert controls["ports"] == "failed"
    assert proof.verdict is Verdict.VACUOUS


def test_what_cannot_be_read_is_not_proven(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_words: Any) -> set[int]:
        raise listening.UnreadableError("nothing in it can read", next_step="")

    monkeypatch.setattr(listening, "read", unreadable)
    controls, (proof,) = world.prove()
    assert controls["ports"] == "not_proven"
    assert proof.verdict is Verdict.NOT_PROVEN


def test_a_way_in_from_outside_needs_a_word(world: World) -> None:
    world.lists["/api/v1/namespaces/dev/services"][0]["spec"]["type"] = "NodePort"
    assert world.prove()[0]["ports"] == "failed"
    assert world.prove(open=["dev/app"])[0]["ports"] == "passed"
    world.lists["/api/v1/namespaces/dev/pods"][0]["spec"]["hostNetwork"] = True
    assert world.prove(open=["dev/app"])[0]["ports"] == "failed"


def test_plain_text_needs_a_word(world: World) -> None:
    controls, (proof,) = world.prove(plain=[])
    assert controls["tls"] == "failed"
    assert str(proof) == "dev/app:80 speaks TLS 1.2 or newer: WRONG_VERSION_NUMBER"


@pytest.mark.parametrize("option", ["tls", "plain", "requests"])
def test_what_is_named_and_not_there_is_not_proven(world: World, option: str) -> None:
    entry = request(service="gone") | {"reason": "", "protocol": "tls"}
    given = {"plain": [{"namespace": None, "service": "app", "port": 80, "reason": ""}]}
    given[option] = [*given.get(option, []), entry]
    controls, (proof,) = world.prove(**given)
    assert controls["authentication" if option == "requests" else "tls"] == "not_proven"
    assert str(proof) == "port 80 of gone: there is none"


def test_a_namespace_without_services_is_not_proven(world: World) -> None:
    controls, (proof,) = world.prove(namespaces=["dev", "prod"])
    assert controls["ports"] == "not_proven"
    assert str(proof) == "Services of prod: there is none to look at"


def test_nobody_behind_a_service_proves_nothing(world: World) -> None:
    world.troubles = [NoEndpointError("No ready pod stands behind it.", next_step="")]
    controls, proofs = world.prove(plain=[], requests=[request()])
    assert controls == {"ports": "passed", "tls": "not_proven", "authentication": "not_proven"}
    assert {proof.verdict for proof in proofs} == {Verdict.NOT_PROVEN}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"headers": {"Authorization": "Bearer good"}}, "it answers 200"),
        ({"path": "/talks", "absent": ["Traceback"]}, "it tells what matches 'Traceback'"),
        ({"response_headers": {"X-Content-Type-Options": "nosniff"}}, "its header X-Content-Type-Options"),
        ({"logged": "/me 403"}, "its log has no line that matches '/me 403'"),
    ],
)
def test_what_an_answer_must_not_be(world: World, changes: dict[str, Any], said: str) -> None:
    controls, (proof,) = world.prove(requests=[request(**changes)])
    assert controls["authentication"] == "failed"
    assert said in proof.observed


def test_only_a_new_line_of_the_log_counts(world: World) -> None:
    asked = request(logged="/me 401", response_headers={"content-type": "^application/json"})
    assert world.prove(requests=[asked])[0]["authentication"] == "passed"
    assert len(world.lines) == 1
    unheard = request(path="/you", logged="/me 401")
    assert world.prove(requests=[unheard])[0]["authentication"] == "failed"


def test_a_server_that_does_not_answer_proves_nothing(world: World) -> None:
    world.near = 1
    controls, (proof,) = world.prove(requests=[request()])
    assert controls["authentication"] == "not_proven"
    assert "refused" in proof.observed


def test_each_control_says_the_worst_of_its_claims() -> None:
    told = [
        ("a", Proof("1", Verdict.NOT_PROVEN, True)),
        ("a", Proof("2", Verdict.HELD, True)),
        ("b", Proof("3", Verdict.VACUOUS, True)),
        ("b", Proof("4", Verdict.NOT_PROVEN, True)),
        ("c", Proof("5", Verdict.HELD, True)),
    ]
    assert services.by_control(told) == {"a": "not_proven", "b": "failed", "c": "passed"}


def test_check_mode_says_what_would_be_looked_at(world: World) -> None:
    parameters = {"namespaces": ["dev"], "requests": [request()], "report_only": True}
    made = ServiceVerify(parameters, Redactor(), check_mode=True)
    assert made.outline(world) == "1 ports of Services, and 1 kinds of requests"  # type: ignore[arg-type]
