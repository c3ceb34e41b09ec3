# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Bytes to and from the inside of a pod, over a web socket of the API server (channel.k8s.io)."""

from __future__ import annotations

import json
import select
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import websocket
from ansible_collections.rampart.k8s.plugins.module_utils._kube import tls
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import Credentials

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
# The first byte of a message: in a forwarded port data and error, in a command input, output and so on.
DATA, ERROR = 0, 1
INPUT, OUTPUT, ERRORS, STATUS = 0, 1, 2, 3

# What a command ended with that does not say it.
UNKNOWN = 255
# A command that prints more than this is none of ours.
MOST_OUTPUT = 1 << 20


class TunnelError(RampartError):
    """The way into the pod was not opened, or broke; ``silent`` when nothing was said for too long."""

    silent = False


class Tunnel:
    """One web socket; every read has what is left of one deadline."""

    def __init__(
        self,
        credentials: Credentials,
        path: str,
        query: Mapping[str, Any] | Sequence[tuple[str, Any]],
        *,
        target: str,
        seconds: float,
        protocols: Sequence[str] = PROTOCOLS,
    ) -> None:
        self._credentials = credentials
        self._url = f"ws{credentials.server.removeprefix('http')}{path}?{urlencode(query)}"
        self._target = target
        self._protocols = list(protocols)
        self._deadline = time.monotonic() + seconds

    def __enter__(self) -> Self:
        credentials = self._credentials
        options: dict[str, Any] = {}
        if self._url.startswith("wss:"):
            options["sslopt"] = {"context": tls.context(credentials)}
            if credentials.tls_server_name:
                options["sslopt"]["server_hostname"] = credentials.tls_server_name
        proxy = urlsplit(credentials.proxy or "")
        if proxy.hostname:
            options |= {
                "http_proxy_host": proxy.hostname,
                "http_proxy_port": proxy.port,
                "proxy_type": "http",
            }
        header = [f"Authorization: {credentials.authorization}"] if credentials.authorization else []
        try:
            self._socket = websocket.create_connection(
                self._url,
                timeout=self._left(),
                header=header,
                subprotocols=self._protocols,
                suppress_origin=True,
                **options,
            )
        except websocket.WebSocketBadStatusException as error:
            raise self._broken(_reason(error)) from None
        except (websocket.WebSocketException, OSError) as error:
            raise self._broken(type(error).__name__) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close(timeout=0)

    def _left(self) -> float:
        return max(0.01, self._deadline - time.monotonic())

    def patience(self, seconds: float) -> None:
        """Wait no longer than this from now on."""
        self._deadline = min(self._deadline, time.monotonic() + seconds)

    def _broken(self, why: str) -> TunnelError:
        return TunnelError(
            f"{self._target} could not be reached through the API server: {why}.",
            next_step="grant pods/portforward (for ports) or pods/exec (for commands); see that the pod runs",
        )

    def send(self, channel: int, data: bytes) -> None:
        """Send bytes on a channel."""
        try:
            self._socket.send_binary(bytes([channel]) + data)
        except (websocket.WebSocketException, OSError) as error:
            raise self._broken(type(error).__name__) from error

    def receive(self) -> tuple[int, bytes] | None:
        """Return what comes next, by its channel; None when the other end has closed."""
        self._socket.settimeout(self._left())
        try:
            message = self._socket.recv()
        except websocket.WebSocketTimeoutException as error:
            late = self._broken("it did not answer in time")
            late.silent = True
            raise late from error
        except websocket.WebSocketConnectionClosedException:
            return None
        except (websocket.WebSocketException, OSError) as error:
            raise self._broken(type(error).__name__) from error
        raw = message.encode() if isinstance(message, str) else bytes(message)
        return (raw[0], raw[1:]) if raw else None


class PortForward(Tunnel):
    """A connection to a port inside a pod, as if from the pod itself."""

    def __init__(
        self, credentials: Credentials, namespace: str, pod: str, port: int, *, seconds: float
    ) -> None:
        super().__init__(
            credentials,
            f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward",
            {"ports": port},
            target=f"Port {port} of Pod {namespace}/{pod}",
            seconds=seconds,
            protocols=("v4.channel.k8s.io",),
        )
        # Each channel begins with the number of the port.
        self._begun: set[int] = set()

    def read(self) -> bytes:
        """Return what the port sends; empty at its end, TunnelError where nothing listens."""
        while (data := self.take()) == b"":
            pass
        return data or b""

    def take(self) -> bytes | None:
        """Return what one message brings, which may be nothing; None at the end."""
        message = self.receive()
        if message is None:
            return None
        channel, data = message
        if channel not in self._begun:
            self._begun.add(channel)
            data = data[2:]
        if channel == ERROR and data:
            raise self._broken(data.decode(errors="replace").strip())
        return data if channel == DATA else b""

    def write(self, data: bytes) -> None:
        """Send bytes to the port."""
        self.send(DATA, data)

    def ready(self, other: socket.socket) -> tuple[bool, bool]:
        """Wait until this one or another socket has something to read, and say which.

        Whoever carries bytes both ways does it in one thread: no TLS connection may be read and written at
        the same time, and none may be closed while it is read.
        """
        mine = self._socket.sock
        if mine is None:
            raise self._broken("it has ended")
        if isinstance(mine, ssl.SSLSocket) and mine.pending():
            return False, True
        asked = select.poll()
        asked.register(mine, select.POLLIN)
        asked.register(other, select.POLLIN)
        found = {number for number, _event in asked.poll(self._left() * 1000)}
        if not found:
            raise self._broken("it did not answer in time")
        return other.fileno() in found, mine.fileno() in found


@dataclass(frozen=True, slots=True)
class Executed:
    """How a command ended and what it printed."""

    code: int
    output: bytes
    errors: bytes
    # Why it was not even started; empty when it was.
    refused: str = ""

    @property
    def said(self) -> str:
        """All that it printed, for people."""
        return (self.output + self.errors).decode(errors="replace")


def execute(
    credentials: Credentials,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    *,
    stdin: bytes = b"",
    seconds: float,
) -> Executed:
    """Run a command in a container and wait for its end.

    What is secret goes in by ``stdin``, since arguments stand in the audit log of the API server. The input
    does not end, so the command must know when it has read enough.
    """
    query = [("stdout", "true"), ("stderr", "true"), *(("command", word) for word in command)]
    query += [("stdin", "true")] if stdin else []
    query += [("container", container)] if container else []
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/exec"
    said = {OUTPUT: b"", ERRORS: b""}
    with Tunnel(credentials, path, query, target=f"Pod {namespace}/{pod}", seconds=seconds) as tunnel:
        if stdin:
            tunnel.send(INPUT, stdin)
        while (message := tunnel.receive()) is not None:
            channel, data = message
            if channel in said and len(said[channel]) < MOST_OUTPUT:
                said[channel] += data
            elif channel == STATUS:
                code, refused = _ended(data)
                return Executed(code, said[OUTPUT], said[ERRORS], refused)
    raise TunnelError(
        f"The command in Pod {namespace}/{pod} ended without a status.",
        next_step="run it by hand (kubectl exec)",
    )


def _ended(status: bytes) -> tuple[int, str]:
    """Read the exit code out of the Status that ends a command; what is unreadable is a failure."""
    try:
        said = json.loads(status)
    except ValueError:
        return UNKNOWN, ""
    if said.get("status") == "Success":
        return 0, ""
    for cause in (said.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode" and str(cause.get("message")).isdigit():
            return int(cause["message"]), ""
    return UNKNOWN, str(said.get("message") or "the container runtime did not start it")


def _reason(error: Any) -> str:
    """Word the API server's refusal of a web socket."""
    try:
        body = json.loads(error.resp_body or b"")
        return f"{error.status_code} {body.get('message') or body.get('reason')}"
    except (ValueError, AttributeError):
        return f"the API server answered {error.status_code}"
