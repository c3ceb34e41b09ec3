# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks a gRPC server whether it is well (grpc.health.v1.Health/Check)."""

from __future__ import annotations

from typing import Protocol

from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import (
    h2_config,
    h2_connection,
    h2_events,
)

STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
PATH = "/grpc.health.v1.Health/Check"
# A frame of gRPC: whether it is compressed, its length in four bytes, the message.
PREFIX = 5


class Stream(Protocol):
    """A connection to the server."""

    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...


def request(service: str) -> bytes:
    """Return a HealthCheckRequest as gRPC frames it: one field, the name of the service."""
    name = service.encode()
    message = b"\x0a" + bytes([len(name)]) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def status(frame: bytes) -> str:
    """Read a HealthCheckResponse: one field, a number; a message without it means the number 0."""
    message = frame[PREFIX:]
    if len(frame) < PREFIX or len(message) != int.from_bytes(frame[1:PREFIX], "big"):
        return ""
    if not message:
        return STATUSES[0]
    return STATUSES.get(message[1], "") if message[:1] == b"\x08" and len(message) == 2 else ""


def check(stream: Stream, service: str) -> str:
    """Return what the server says of a service, or why it says nothing."""
    connection = h2_connection.H2Connection(h2_config.H2Configuration(client_side=True))
    connection.initiate_connection()
    number = connection.get_next_available_stream_id()
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", PATH),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]
    connection.send_headers(number, headers)
    connection.send_data(number, request(service), end_stream=True)
    stream.write(connection.data_to_send())
    frame, said = b"", ""
    while data := stream.read():
        for event in connection.receive_data(data):
            if isinstance(event, h2_events.DataReceived):
                frame += event.data
                connection.acknowledge_received_data(event.flow_controlled_length, number)
            elif isinstance(event, h2_events.ResponseReceived | h2_events.TrailersReceived):
                found = {_text(key): _text(value) for key, value in event.headers}
                said = found.get("grpc-message") or found.get("grpc-status") or said
            elif isinstance(event, h2_events.StreamReset | h2_events.ConnectionTerminated):
                return f"the server ended it with code {event.error_code}"
            elif isinstance(event, h2_events.StreamEnded):
                return status(frame) or f"the server answered {said or 'nothing'}"
        stream.write(connection.data_to_send())
    return "the server closed the connection"


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
