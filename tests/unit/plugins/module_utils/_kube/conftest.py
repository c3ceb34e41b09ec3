# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small real HTTP(S) server that answers as a test tells it to."""

from __future__ import annotations

import json
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.rig.pki import Authority


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What to send; a list of bodies is streamed, and ``cut`` closes the connection before the end."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


Script = Callable[[Asked], Answer]


# In place of the number of an alert.
CLOSED = 0


class Server:
    """Collects what was asked and answers by a script."""

    def __init__(
        self, script: Script, tls: tuple[bytes, bytes] | None = None, alerts: tuple[int, ...] = ()
    ) -> None:
        self.asked: list[Asked] = []
        # What the first handshakes are ended with: an alert, or a connection that is closed without a word.
        self.alerts = list(alerts)
        self.handshakes_failed = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
                server.asked.append(asked)
                answer = script(asked)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if isinstance(answer.body, list):
                    self.send_header("Connection", "close")
                    self.end_headers()
                    for part in answer.body:
                        self.wfile.write(json.dumps(part).encode() + b"\n")
                    self.close_connection = True
                    return
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if answer.cut else body)
                self.close_connection = self.close_connection or answer.cut

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_unused: Any) -> None:
                server.handshakes_failed += 1

        self._http = Quiet(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.NamedTemporaryFile() as pem:
                pem.write(tls[0] + tls[1])
                pem.flush()
                context.load_cert_chain(pem.name)

            def end(connection: Any, *_unused: Any) -> int | None:
                code = self.alerts.pop(0) if self.alerts else None
                if code == CLOSED:
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                return code

            context.sni_callback = end
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test."""
    started: list[Server] = []

    def start(script: Script, tls: tuple[bytes, bytes] | None = None, **more: Any) -> Server:
        started.append(Server(script, tls, **more))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Return a certificate authority."""
    return Authority()


@pytest.fixture
def write_kubeconfig(tmp_path: Path) -> Callable[..., Path]:
    """Write kubeconfigs of one context."""

    def write(
        server: str,
        user: dict[str, Any] | None = None,
        cluster: dict[str, Any] | None = None,
        mode: int = 0o600,
        name: str = "kubeconfig",
    ) -> Path:
        path = tmp_path / name
        document = {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "home"}}],
            "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "u", "user": user or {}}],
        }
        path.write_text(json.dumps(document))
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def answer() -> type[Answer]:
    """Return the class of answers (test modules cannot import their conftest)."""
    return Answer
