# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands between a module and an API server, and lets through, delays, breaks or answers as a test wants."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.rig import Rig

HOST = "127.0.0.1"
ACCOUNT = "fault-proxy"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    # Break the connection: before the server has seen the request, or after it has done it.
    reset: bool = False
    reset_after: bool = False
    # Send only the first half of the answer.
    truncate: bool = False
    # End a watch after so many bytes.
    close_watch_after: int = 0


Rule = Callable[[str, str], Fault | None]


class FaultProxy:
    """One proxy; ``rule`` decides about each request by its method and path."""

    def __init__(self, rig: Rig, client: Client, folder: Path) -> None:
        self.rule: Rule = lambda _method, _path: None
        self.seen: list[tuple[str, str]] = []
        self._rig = rig
        self._upstream = urllib3.PoolManager(ca_certs=str(rig.folder / "ca.crt"), retries=False, maxsize=16)
        certificate, key = rig.authority.server(HOST)
        (folder / "proxy.pem").write_bytes(certificate + key)
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "proxy.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.kubeconfig = folder / "proxied.kubeconfig"
        self._write_kubeconfig(_token(client))

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _write_kubeconfig(self, token: str) -> None:
        document = json.loads(self._rig.kubeconfig.read_text())
        document["clusters"][0]["cluster"]["server"] = f"https://{HOST}:{self._server.server_address[1]}"
        # A certificate would end at the proxy; a token goes through.
        document["users"][0]["user"] = {"token": token}
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(document))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_unused: Any) -> None:
                """Stay quiet."""

            def handle_one_request(self) -> None:
                """Take a client that gives up, and a server that is gone, for what they are."""
                try:
                    super().handle_one_request()
                except (OSError, urllib3.exceptions.HTTPError):
                    self.close_connection = True

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
                proxy.seen.append((self.command, self.path))
                fault = proxy.rule(self.command, urlsplit(self.path).path) or Fault()
                if fault.reset:
                    self._break()
                elif fault.status:
                    self._answer(fault.status, fault.headers, b"")
                else:
                    self._pass(body, fault)

            def _pass(self, body: bytes | None, fault: Fault) -> None:
                headers = {key: value for key, value in self.headers.items() if key.lower() != "host"}
                watches = "watch=true" in self.path
                answer = proxy._upstream.request(
                    self.command,
                    proxy._rig.server + self.path,
                    body=body,
                    headers=headers,
                    preload_content=False,
                    timeout=120,
                )
                if watches:
                    self._stream(answer, fault.close_watch_after)
                    return
                content = answer.read()
                if fault.reset_after:
                    self._break()
                elif fault.truncate:
                    self._answer(answer.status, {}, content, sent=len(content) // 2)
                else:
                    self._answer(answer.status, {}, content)

            def _stream(self, answer: Any, limit: int) -> None:
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                sent = 0
                try:
                    while chunk := answer.read1(65536):
                        self.wfile.write(chunk)
                        sent += len(chunk)
                        if limit and sent >= limit:
                            break
                finally:
                    answer.close()

            def _answer(self, status: int, headers: dict[str, str], content: bytes, sent: int = -1) -> None:
                self.send_response(status)
                for key, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content if sent < 0 else content[:sent])
                if sent >= 0:
                    self._break()

            def _break(self) -> None:
                self.close_connection = True
                self.connection.close()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815

        return Handler


def _token(client: Client) -> str:
    """Make an account that may do everything, and return a token of it."""
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    if client.find(f"{accounts}/{ACCOUNT}") is None:
        client.call("POST", accounts, body={"metadata": {"name": ACCOUNT}})
        subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "default"}
        role = {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": "rbac.authorization.k8s.io"}
        body = {"metadata": {"name": ACCOUNT}, "subjects": [subject], "roleRef": role}
        client.call("POST", roles, body=body)
    answer = client.call("POST", f"{accounts}/{ACCOUNT}/token", body={"spec": {"expirationSeconds": 3600}})
    return str(answer["status"]["token"])
