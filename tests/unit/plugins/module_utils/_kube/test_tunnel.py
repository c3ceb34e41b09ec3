# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports and commands of pods, over the web socket of a server that speaks as the API server does."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube import tunnel
from ansible_collections.rampart.k8s.plugins.module_utils._kube.forward import forwarded
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import Credentials
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import (
    Executed,
    PortForward,
    TunnelError,
)

# RFC 6455, 1.3.
MARK = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BINARY, CLOSE = 0x82, 0x88
PORT = b"\x1f\x90"


def frame(kind: int, data: bytes) -> bytes:
    return bytes([kind, len(data)]) + data


def failed(**details: Any) -> bytes:
    return b"\x03" + json.dumps({"status": "Failure", **details}).encode()


class Handler(socketserver.StreamRequestHandler):
    """Takes one web socket, and then says what the test has told it to."""

    server: Any

    def handle(self) -> None:
        lines = iter(lambda: self.rfile.readline().decode().strip(), "")
        self.server.asked, *rest = list(lines)
        headers = {name.lower(): value for name, _colon, value in (line.partition(": ") for line in rest)}
        self.server.headers = headers
        if self.server.refusal:
            body = json.dumps(self.server.refusal).encode()
            head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)
            return
        accepted = (headers["sec-websocket-key"] + MARK).encode()
        key = hashlib.sha1(accepted, usedforsecurity=False).digest()
        chosen = headers["sec-websocket-protocol"].split(",")[0]
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {base64.b64encode(key).decode()}\r\n".encode()
            + f"Sec-WebSocket-Protocol: {chosen}\r\n\r\n".encode()
        )
        self.wfile.write(b"".join(frame(BINARY, message) for message in self.server.messages))
        if self.server.closes:
            self.wfile.write(frame(CLOSE, b"\x03\xe8"))
        # Clients mask what they send: four bytes, and then each byte with the next of them.
        first = self.rfile.read(2)
        if len(first) == 2 and first[0] == BINARY:
            mask, length = self.rfile.read(4), first[1] & 0x7F
            raw = self.rfile.read(length)
            self.server.received = bytes(byte ^ mask[place % 4] for place, byte in enumerate(raw))
            self.server.heard.set()


Open = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as made:
        running: Any = made
        running.messages, running.refusal, running.closes = [], None, True
        running.asked, running.headers, running.received = "", {}, b""
        running.heard = threading.Event()
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield running
        made.shutdown()


def credentials(server: Any) -> Credentials:
    return Credentials(
        f"http://127.0.0.1:{server.server_address[1]}",
        context="test",
        namespace="dev",
        authorization="Bearer abcdefghijkl",
    )


def run(server: Any) -> Executed:
    return tunnel.execute(credentials(server), "dev", "pod", "main", ["test", "-f", "/a b"], seconds=5)


def test_a_command_is_asked_for_as_a_list_and_with_our_token(server: Any) -> None:
    server.messages = [b"\x01out ", b"\x02err", b'\x03{"status": "Success"}']
    ended = run(server)
    assert (ended.code, ended.output, ended.errors, ended.said) == (0, b"out ", b"err", "out err")
    assert server.asked.split()[1] == (
        "/api/v1/namespaces/dev/pods/pod/exec?stdout=true&stderr=true"
        "&command=test&command=-f&command=%2Fa+b&container=main"
    )
    assert server.headers["authorization"] == "Bearer abcdefghijkl"
    assert "origin" not in server.headers


@pytest.mark.parametrize(
    ("status", "code", "refused"),
    [
        (failed(details={"causes": [{"reason": "ExitCode", "message": "3"}]}), 3, ""),
        (failed(message="no such container"), 255, "no such container"),
        (b"\x03not json", 255, ""),
    ],
)
def test_a_command_that_fails_has_its_code(server: Any, status: bytes, code: int, refused: str) -> None:
    server.messages = [status]
    assert run(server) == Executed(code, b"", b"", refused)


def test_a_command_without_an_end_is_no_success(server: Any) -> None:
    server.messages = [b"\x01all is well"]
    with pytest.raises(TunnelError, match="without a status"):
        run(server)


def test_a_refusal_is_told_in_the_words_of_the_server(server: Any) -> None:
    server.refusal = {"message": 'pods "pod" is forbidden: cannot create resource pods/exec'}
    with pytest.raises(TunnelError, match=r"403 pods .* is forbidden") as caught:
        run(server)
    assert "pods/exec" in caught.value.next_step
    assert "abcdefghijkl" not in str(caught.value)


def forward(server: Any, seconds: float = 5.0) -> PortForward:
    return PortForward(credentials(server), "dev", "pod", 8080, seconds=seconds)


def test_a_port_is_read_and_written(server: Any) -> None:
    server.messages, server.closes = [b"\x00" + PORT, b"\x01" + PORT, b"\x00hello"], False
    with forward(server) as port:
        assert port.read() == b"hello"
        port.write(b"good bye")
        assert server.heard.wait(5)
    assert server.received == b"\x00good bye"
    assert "/pods/pod/portforward?ports=8080 " in server.asked


def test_a_port_of_a_pod_is_a_port_here(server: Any) -> None:
    server.messages, server.closes = [b"\x00" + PORT, b"\x01" + PORT, b"\x00hello"], False
    counted: list[int] = []
    client: Any = SimpleNamespace(
        credentials=credentials(server), transport=SimpleNamespace(count=lambda: counted.append(1))
    )
    with (
        forwarded(client, "dev", "pod", 8080) as port,
        socket.create_connection(("127.0.0.1", port), timeout=5) as near,
    ):
        assert near.recv(100) == b"hello"
        near.sendall(b"good bye")
        assert server.heard.wait(5)
        # The other end closes then, and so does this one.
        assert near.recv(100) == b""
    assert server.received == b"\x00good bye"
    assert counted == [1]


def test_a_port_where_nothing_listens_is_told(server: Any) -> None:
    server.messages = [b"\x00" + PORT, b"\x01" + PORT + b"connection refused"]
    with forward(server) as port, pytest.raises(TunnelError, match="connection refused") as caught:
        port.read()
    assert not caught.value.silent


def test_the_end_of_a_connection_is_told_apart_from_silence(server: Any) -> None:
    server.messages = [b"\x00" + PORT]
    with forward(server) as port:
        assert port.read() == b""
    server.closes = False
    with forward(server, 0.3) as port, pytest.raises(TunnelError, match="in time") as caught:
        port.read()
    assert caught.value.silent


def test_nobody_at_home(server: Any) -> None:
    absent = Credentials("http://127.0.0.1:1", context="test", namespace="dev")
    with pytest.raises(TunnelError, match="could not be reached"):
        tunnel.execute(absent, "dev", "pod", "main", ["true"], seconds=1)
