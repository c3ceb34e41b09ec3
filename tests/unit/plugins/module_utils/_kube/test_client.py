# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import datetime
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError

from tests.rig.pki import Authority

Write = Callable[..., Path]
Serve = Callable[..., Any]
OK = {"kind": "Thing", "metadata": {"uid": "u-1"}}


def refusal(code: int, reason: str = "", message: str = "no", **more: Any) -> dict[str, Any]:
    return {"kind": "Status", "code": code, "reason": reason, "message": message, **more}


@pytest.fixture
def connect(serve: Serve, write_kubeconfig: Write) -> Callable[..., tuple[Client, Any]]:
    def make(script: Any, **options: Any) -> tuple[Client, Any]:
        server = serve(script)
        path = write_kubeconfig(server.url, {"token": "correct-horse"})
        return Client(Connection(str(path), **options), Redactor()), server

    return make


def test_an_object_is_read_with_our_token(connect: Any, answer: Any) -> None:
    client, server = connect(lambda _unused: answer(body=OK))
    assert client.get("/x", query={"a": "b c"}) == OK
    assert server.asked[0].path == "/x?a=b+c"
    assert server.asked[0].headers["Authorization"] == "Bearer correct-horse"
    assert client.counts == {"requests": 1, "retries": 0}


def test_too_many_requests_are_sent_again_when_the_server_says(connect: Any, answer: Any) -> None:
    answers = iter([answer(429, refusal(429), {"Retry-After": "1"}), answer(body=OK)])
    client, server = connect(lambda _unused: next(answers))
    started = time.monotonic()
    assert client.get("/x") == OK
    assert time.monotonic() - started >= 1
    assert len(server.asked) == 2
    assert client.counts["retries"] == 1


def test_a_server_error_is_tried_again(connect: Any, answer: Any) -> None:
    answers = iter([answer(500, refusal(500)), answer(503, b"<html>"), answer(body=OK)])
    client, _unused = connect(lambda _unused: next(answers))
    assert client.get("/x") == OK


def test_a_lasting_refusal_ends_with_the_deadline_and_the_last_status(connect: Any, answer: Any) -> None:
    client, _unused = connect(
        lambda _unused: answer(503, refusal(503, message="etcd is away")), api_timeout=1.0
    )
    started = time.monotonic()
    with pytest.raises(status.ApiError, match="etcd is away"):
        client.get("/x")
    assert time.monotonic() - started < 3


def test_unknown_fields_are_not_tried_again(connect: Any, answer: Any) -> None:
    said = (
        "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dota: field not declared in schema"
    )
    client, server = connect(lambda _unused: answer(500, refusal(500, message=said)))
    with pytest.raises(status.ApiError, match=r"\.dota") as caught:
        client.get("/x")
    assert len(server.asked) == 1
    assert caught.value.next_step == "correct or remove the unknown or doubled fields"


def test_a_truncated_answer_is_never_used(connect: Any, answer: Any) -> None:
    answers = iter([answer(body=OK), answer(body=OK, cut=True), answer(body=OK)])
    client, server = connect(lambda _unused: next(answers))
    client.get("/first")
    assert client.get("/x") == OK
    assert len(server.asked) == 3


def test_a_slow_server_ends_with_the_timeout(connect: Any, answer: Any) -> None:
    wake = threading.Event()

    def slow(_unused: Any) -> Any:
        wake.wait(10)
        return answer(body=OK)

    client, _unused = connect(slow, request_timeout=0.5)
    started = time.monotonic()
    with pytest.raises(RampartError, match="did not answer in time"):
        client.get("/x")
    wake.set()
    assert time.monotonic() - started < 3


def test_nothing_there_is_told_at_once(write_kubeconfig: Write) -> None:
    client = Client(Connection(str(write_kubeconfig("http://127.0.0.1:1"))), Redactor())
    with pytest.raises(UnreachableError, match="connection was refused"):
        client.get("/x")


def test_a_redirect_does_not_carry_the_token_away(connect: Any, serve: Serve, answer: Any) -> None:
    thief = serve(lambda _unused: answer(body=OK))
    client, _unused = connect(lambda _unused: answer(302, b"", {"Location": thief.url}))
    with pytest.raises(status.ApiError, match="not from a Kubernetes API server"):
        client.get("/x")
    assert thief.asked == []


def test_another_authority_gets_no_token(
    serve: Serve, write_kubeconfig: Write, authority: Authority, answer: Any
) -> None:
    stranger = serve(lambda _unused: answer(body=OK), Authority("stranger").server("127.0.0.1"))
    trust = {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    path = write_kubeconfig(stranger.url, {"token": "correct-horse"}, trust)
    with pytest.raises(RampartError, match="not signed by the certificate authority") as caught:
        Client(Connection(str(path)), Redactor()).get("/x")
    assert stranger.asked == []
    assert "stranger may be in between" in caught.value.next_step


def test_our_authority_is_trusted_and_an_ended_certificate_is_not(
    serve: Serve, write_kubeconfig: Write, authority: Authority, answer: Any
) -> None:
    trust = {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    good = serve(lambda _unused: answer(body=OK), authority.server("127.0.0.1"))
    assert Client(Connection(str(write_kubeconfig(good.url, {}, trust))), Redactor()).get("/x") == OK
    old = serve(
        lambda _unused: answer(body=OK), authority.server("127.0.0.1", lifetime=-datetime.timedelta(hours=1))
    )
    with pytest.raises(RampartError, match="certificate has expired"):
        Client(Connection(str(write_kubeconfig(old.url, {}, trust))), Redactor()).get("/x")
    other = serve(lambda _unused: answer(body=OK), authority.server("192.0.2.7"))
    with pytest.raises(RampartError, match="for another address"):
        Client(Connection(str(write_kubeconfig(other.url, {}, trust))), Redactor()).get("/x")


def test_an_expired_client_certificate_is_told_with_its_date(
    serve: Serve, write_kubeconfig: Write, authority: Authority, answer: Any
) -> None:
    server = serve(lambda _unused: answer(401, refusal(401, "Unauthorized")), authority.server("127.0.0.1"))
    certificate, key = authority.user("eve", lifetime=-datetime.timedelta(hours=1))
    user = {
        "client-certificate-data": base64.b64encode(certificate).decode(),
        "client-key-data": base64.b64encode(key).decode(),
    }
    trust = {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    with pytest.raises(RampartError, match=r"expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC"):
        Client(Connection(str(write_kubeconfig(server.url, user, trust))), Redactor()).get("/x")


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ((48,) * 9, r"refused our client certificate \(unknown ca\)"),
        ((50,) * 9, r"connection could not be made \(decode error\)"),
        ((80,) * 99, "no certificate to serve with yet"),
        # An API server that starts, and handshakes that broke, before any answer.
        ((80, 80), ""),
        ((50, 50), ""),
    ],
    ids=["unknown-ca", "decode-error", "never-ready", "starting", "broken-twice"],
)
def test_an_alert_of_the_server_is_told_for_what_it_is(
    codes: tuple[int, ...],
    said: str,
    serve: Serve,
    write_kubeconfig: Write,
    authority: Authority,
    answer: Any,
) -> None:
    server = serve(lambda _unused: answer(body=OK), authority.server("127.0.0.1"), alerts=codes)
    trust = {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    connection = Connection(str(write_kubeconfig(server.url, {}, trust)), api_timeout=2)
    client = Client(connection, Redactor())
    if not said:
        assert client.get("/x") == OK
        return
    with pytest.raises(RampartError, match=said):
        client.get("/x")
    tried = len(codes) - len(server.alerts)
    # A word on our certificate ends it, a broken handshake is made thrice, a server that starts gets time.
    assert {48: tried == 1, 50: tried == 3, 80: tried > 3}[codes[0]]


@pytest.mark.parametrize("closed", [2, 3])
def test_a_server_that_never_answered_is_tried_three_times(
    closed: int, serve: Serve, write_kubeconfig: Write, authority: Authority, answer: Any
) -> None:
    server = serve(lambda _unused: answer(body=OK), authority.server("127.0.0.1"), alerts=(0,) * closed)
    trust = {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    client = Client(Connection(str(write_kubeconfig(server.url, {}, trust))), Redactor())
    if closed < 3:
        assert client.get("/x") == OK
        return
    with pytest.raises(RampartError, match=r"closed before TLS stood|connection broke"):
        client.get("/x")
    assert client.get("/x") == OK


def test_a_broken_handshake_is_tried_again_by_who_was_answered_before(
    serve: Serve, write_kubeconfig: Write, authority: Authority, answer: Any
) -> None:
    closing = {"Connection": "close"}
    server = serve(lambda _unused: answer(body=OK, headers=closing), authority.server("127.0.0.1"))
    trust = {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    client = Client(Connection(str(write_kubeconfig(server.url, {}, trust))), Redactor())
    assert client.get("/x") == OK
    server.alerts[:] = [50]
    assert client.get("/x") == OK
    server.alerts[:] = [42] * 9
    with pytest.raises(RampartError, match="bad certificate"):
        client.get("/x")
    assert len(server.alerts) == 8


def test_an_unverified_connection_is_warned_about(serve: Serve, write_kubeconfig: Write, answer: Any) -> None:
    server = serve(lambda _unused: answer(body=OK), Authority("stranger").server("127.0.0.1"))
    path = write_kubeconfig(server.url, {}, {"insecure-skip-tls-verify": True})
    client = Client(Connection(str(path)), Redactor())
    assert client.get("/x") == OK
    assert "does not verify" in client.warnings[0]


def test_the_wrong_cluster_is_left_at_once(connect: Any, answer: Any) -> None:
    with pytest.raises(RampartError, match="leads to the cluster u-1, but u-2 is expected") as caught:
        connect(lambda _unused: answer(body=OK), expect_cluster_uid="u-2")
    assert caught.value.details == {"expected_cluster_uid": "u-2", "actual_cluster_uid": "u-1"}


def test_pages_are_read_to_the_end_and_begun_again_when_they_are_too_old(connect: Any, answer: Any) -> None:
    answers = iter(
        [
            answer(body={"items": [{"a": 1}], "metadata": {"continue": "c1"}}),
            answer(410, refusal(410, "Expired")),
            answer(body={"items": [{"a": 2}], "metadata": {"continue": "c2"}}),
            answer(body={"items": [{"a": 3}], "metadata": {"resourceVersion": "7"}}),
        ]
    )
    client, server = connect(lambda _unused: next(answers))
    assert client.list_all("/x") == ([{"a": 2}, {"a": 3}], "7")
    assert "continue=c1" in server.asked[1].path
    assert "continue" not in server.asked[2].path


def test_what_is_not_there_can_be_fine(connect: Any, answer: Any) -> None:
    client, _unused = connect(lambda _unused: answer(404, refusal(404, "NotFound")))
    assert client.find("/x") is None
    assert client.delete("/x") is None


def test_many_calls_run_at_once_and_the_first_error_wins(connect: Any, answer: Any) -> None:
    both = threading.Barrier(2, timeout=5)

    def meet(_unused: Any) -> Any:
        both.wait()
        return answer(body=OK)

    client, _unused = connect(meet)
    assert client.map(client.get, ["/a", "/b"]) == [OK, OK]

    def fail(number: int) -> int:
        raise ValueError(number)

    with pytest.raises(ValueError, match="1"):
        client.map(fail, [1, 2])


def test_an_answer_that_is_not_json_is_an_error(connect: Any, answer: Any) -> None:
    client, _unused = connect(lambda _unused: answer(body=b"<html>"))
    with pytest.raises(RampartError, match="not whole JSON"):
        client.get("/x")
