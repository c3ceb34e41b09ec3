# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The health check of gRPC against a real server of HTTP/2."""

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._helm import grpc_health
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

SERVING, NOT_SERVING, UNKNOWN = b"\x08\x01", b"\x08\x02", b""


class Server:
    """Answers one call, byte by byte as a slow network would."""

    def __init__(self, message: bytes | None, *, step: int = 7) -> None:
        self._connection = H2Connection(H2Configuration(client_side=False))
        self._connection.initiate_connection()
        self._message = message
        self._step = step
        self._out = self._connection.data_to_send()
        self.asked: dict[str, str] = {}

    def write(self, data: bytes) -> None:
        for event in self._connection.receive_data(data):
            if isinstance(event, RequestReceived):
                self.asked = {_text(key): _text(value) for key, value in event.headers}
            elif isinstance(event, StreamEnded):
                self._answer(event.stream_id)
        self._out += self._connection.data_to_send()

    def _answer(self, stream: int) -> None:
        headers = [(":status", "200"), ("content-type", "application/grpc")]
        if self._message is None:
            self._connection.send_headers(stream, [*headers, ("grpc-status", "12")], end_stream=True)
            return
        self._connection.send_headers(stream, headers)
        frame = b"\0" + len(self._message).to_bytes(4, "big") + self._message
        self._connection.send_data(stream, frame)
        self._connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    def read(self) -> bytes:
        data, self._out = self._out[: self._step], self._out[self._step :]
        return data


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (SERVING, "SERVING"),
        (NOT_SERVING, "NOT_SERVING"),
        (UNKNOWN, "UNKNOWN"),
        (b"\x08\x09", "the server answered 0"),
        (None, "the server answered 12"),
    ],
)
def test_what_the_server_says_is_told(message: bytes | None, said: str) -> None:
    server = Server(message)
    assert grpc_health.check(server, "orders") == said
    assert server.asked[":path"] == "/grpc.health.v1.Health/Check"


def test_a_server_that_goes_away_has_not_answered() -> None:
    server = Server(SERVING, step=10_000)
    server._out = b""
    server.write = lambda data: None  # type: ignore[method-assign]
    assert grpc_health.check(server, "") == "the server closed the connection"


def test_the_service_is_asked_for_by_its_name() -> None:
    assert grpc_health.request("ab") == b"\0\0\0\0\x04\x0a\x02ab"
    assert grpc_health.request("") == b"\0\0\0\0\0"
