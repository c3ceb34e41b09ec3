# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registries for tests: the real one when it is on PATH, and a small one that can misbehave on demand."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REAL = shutil.which("registry")


class SmallRegistry(http.server.ThreadingHTTPServer):
    """As much of the distribution API as a push needs, in memory, with a list of what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.asked: list[str] = []
        # What to do wrong: a status for a method and the start of a path, or another manifest.
        self.refuse: dict[tuple[str, str], int] = {}
        self.answer_instead: bytes | None = None
        self.upload_host = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that were killed: that is what some tests do."""

    def writes(self) -> list[str]:
        return [entry for entry in self.asked if not entry.startswith(("GET", "HEAD"))]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: SmallRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _handle(self) -> None:
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urllib.parse.urlsplit(self.path)
        server.asked.append(f"{self.command} {parts.path}")
        for (method, prefix), status in server.refuse.items():
            if method == self.command and parts.path.startswith(prefix):
                self._answer(status, b'{"errors":[{"code":"DENIED"}]}')
                return
        _unused, _unused, rest = parts.path.partition("/v2/")
        name, _unused, reference = rest.partition("/manifests/")
        if reference:
            self._manifest(f"{name}:{reference}", body)
            return
        self._blob(rest.rpartition("/")[2], urllib.parse.parse_qs(parts.query), body)

    def _manifest(self, key: str, body: bytes) -> None:
        server = self.server
        if self.command == "PUT":
            server.manifests[key] = body
            self._answer(201)
        elif key not in server.manifests:
            self._answer(404)
        else:
            content = server.answer_instead or server.manifests[key]
            self._answer(200, content, Docker_Content_Digest=_digest(content))

    def _blob(self, last: str, query: dict[str, list[str]], body: bytes) -> None:
        server = self.server
        if self.command == "POST":
            host = server.upload_host or f"127.0.0.1:{server.server_port}"
            self._answer(202, Location=f"http://{host}/v2/any/blobs/uploads/1?state=kept")
        elif self.command == "PUT":
            wrong = query["digest"] != [_digest(body)] or query.get("state") != ["kept"]
            if not wrong:
                server.blobs[_digest(body)] = body
            self._answer(400 if wrong else 201, b"digest invalid" if wrong else b"")
        elif last in server.blobs:
            self._answer(200, server.blobs[last])
        else:
            self._answer(404)

    do_GET = do_HEAD = do_POST = do_PUT = _handle  # noqa: N815


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextlib.contextmanager
def small_registry() -> Iterator[SmallRegistry]:
    server = SmallRegistry()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def real_registry(folder: Path, *, port: int = 0, more: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Run the real registry on a folder and return its address."""
    assert REAL is not None
    port = port or free_port()
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        **(more or {}),
    }
    secure = "tls" in config["http"]
    file = folder / "registry.yml"
    file.write_text(json.dumps(config))
    with (folder / "registry.log").open("wb") as log:
        child = subprocess.Popen(
            [REAL, "serve", str(file)], stdout=log, stderr=log, env={"OTEL_TRACES_EXPORTER": "none"}
        )
    try:
        deadline = time.monotonic() + 20
        while not _answers(port, secure=secure):
            assert child.poll() is None, (folder / "registry.log").read_text()
            assert time.monotonic() < deadline, "the registry did not come up"
            time.sleep(0.02)
        yield f"{'https' if secure else 'http'}://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


def _answers(port: int, *, secure: bool) -> bool:
    if secure:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
