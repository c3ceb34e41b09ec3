# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Sends requests to one API server: kept-alive connections, retries, one deadline for everything."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import urllib3
from ansible_collections.rampart.k8s.plugins.module_utils._kube import tls
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import Credentials

JSON = "application/json"
CONNECT_TIMEOUT = 10.0
CHUNK = 1 << 16

# The server or what is in front of it says "not now". 500 is there since etcd's leader changes and
# timeouts come out as 500.
RETRY_STATUS = frozenset({429, 500, 502, 503, 504})
# But what fails with 500 for some seconds is broken (a webhook, a stored object), not busy.
MOST_SERVER_ERRORS = 6
# The API server says 500 to a definition with unknown fields, of a stored value whose key it does not have,
# and when etcd has reached its quota; asking again changes nothing.
HOPELESS = (
    b"typed patch object",
    b"no matching key was found",
    b"no matching prefix found",
    b"database space exceeded",
)
# So often a server is asked that has not answered at all: one connection that breaks is nothing to end a run
# for, and where nobody is nobody has to be waited for.
FIRST_ATTEMPTS = 3
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0


class UnreachableError(RampartError):
    """Nothing answered at the address: in check mode this is a cluster that is still to be started."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Bytes to the server and back; knows nothing of Kubernetes but its retry rules."""

    def __init__(
        self, credentials: Credentials, *, request_timeout: float, api_timeout: float, workers: int
    ) -> None:
        self.credentials = credentials
        self.requests = 0
        self.retries = 0
        self._request_timeout = request_timeout
        self._api_timeout = api_timeout
        self._deadline = time.monotonic() + api_timeout
        self._lock = threading.Lock()
        self._answered = False
        self._headers = {"User-Agent": "rampart.k8s", "Accept": JSON}
        if credentials.authorization:
            self._headers["Authorization"] = credentials.authorization
        self._pool = self._make_pool(workers)

    def _make_pool(self, workers: int) -> urllib3.PoolManager:
        server = urlsplit(self.credentials.server)
        options: dict[str, Any] = {"maxsize": workers, "block": False, "retries": False}
        if server.scheme == "https":
            options["ssl_context"] = tls.context(self.credentials)
            if self.credentials.tls_server_name:
                options["server_hostname"] = self.credentials.tls_server_name
                options["assert_hostname"] = self.credentials.tls_server_name
            if not self.credentials.verify:
                options["cert_reqs"] = "CERT_NONE"
                # The person chose it in the kubeconfig and is told so once, by the client.
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        proxy = proxy_of(self.credentials)
        return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)

    def extend(self, seconds: float) -> None:
        """Move the deadline of all calls on, never back."""
        self._deadline = max(self._deadline, time.monotonic() + seconds)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give what happens here a deadline of its own; what comes after has the time it had before."""
        began, before = time.monotonic(), self._deadline
        self._deadline = began + seconds
        try:
            yield
        finally:
            self._deadline = before + time.monotonic() - began

    def count(self) -> None:
        """Count a request that goes another way: a connection that is kept open for both sides."""
        with self._lock:
            self.requests += 1

    @property
    def left(self) -> float:
        """How many seconds one more request may take."""
        return max(0.0, min(self._request_timeout, self._deadline - time.monotonic()))

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str | None = None,
        once: bool = False,
    ) -> Response:
        """Send one request and return its whole answer, whatever its status.

        A request is sent again when the server asks for it (429 with Retry-After), when it cannot
        serve now (5xx) and when a connection breaks, until the deadline of all calls is reached.
        Every request of this collection can be sent twice: applies and deletes by their nature,
        updates by their resourceVersion. A server that has never answered is given up after the third time.
        Nothing with ``once`` is sent again: who asks something behind the server wants to hear its first
        word. A TLS alert that is no word on a certificate is a broken connection, and from a server that is
        starting ("internal error": it has not read its own certificate yet) a reason to wait.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._send_once(method, path, query, body, content_type, accept)
            except urllib3.exceptions.HTTPError as error:
                if once or not self._worth_another(error, attempt):
                    raise self._unreachable(method, path, error) from error
                pause = self._pause(attempt, None)
                if pause is None:
                    raise self._unreachable(method, path, error) from error
            else:
                self._answered = True
                if once or answer.status not in RETRY_STATUS:
                    return answer
                if answer.status == 500 and (
                    attempt >= MOST_SERVER_ERRORS or any(said in answer.body for said in HOPELESS)
                ):
                    return answer
                pause = self._pause(attempt, answer.headers.get("Retry-After"))
                if pause is None:
                    return answer
            with self._lock:
                self.retries += 1
            time.sleep(pause)

    def _worth_another(self, error: Exception, attempt: int) -> bool:
        text = str(error)
        if isinstance(error, urllib3.exceptions.SSLError) and not tls.cut_off(text):
            alert = tls.alert(text)
            if alert == tls.NOT_READY:
                return True
            if not alert or alert in tls.VERDICTS:
                return False
        return self._answered or attempt < FIRST_ATTEMPTS

    def stream(self, path: str, query: Mapping[str, Any], *, timeout: float) -> Iterator[bytes]:
        """Yield the lines of a watch as they come, until the server or the timeout ends it.

        Raises StreamRefusedError with the answer when the server does not begin a stream.
        """
        limits = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, timeout), read=timeout)
        try:
            response = self._request("GET", path, query, None, {}, limits)
        except urllib3.exceptions.HTTPError:
            return
        try:
            if response.status != 200:
                raise StreamRefusedError(
                    Response(response.status, response.headers, response.read(decode_content=True))
                )
            pending = b""
            # read1 gives what is there; a fixed block would hold an event back until it is full.
            while chunk := response.read1(CHUNK):
                *lines, pending = (pending + chunk).split(b"\n")
                yield from (line for line in lines if line)
        except (urllib3.exceptions.HTTPError, OSError):
            # A watch ends by timeout, restart or a lost connection; the caller resumes it.
            return
        finally:
            response.close()

    def _send_once(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        content_type: str,
        accept: str | None,
    ) -> Response:
        left = min(self._request_timeout, self._deadline - time.monotonic())
        if left <= 0:
            raise urllib3.exceptions.TimeoutError(f"the {self._api_timeout:g} s for all calls are used up")
        until = time.monotonic() + left
        headers, data = {} if accept is None else {"Accept": accept}, None
        if body is not None:
            headers["Content-Type"] = content_type
            data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        timeout = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, left), read=left)
        response = self._request(method, path, query, data, headers, timeout)
        try:
            parts = []
            # A read timeout starts anew with every byte; a server that drips must end as well.
            for part in response.stream(CHUNK, decode_content=True):
                parts.append(part)
                if time.monotonic() > until:
                    raise urllib3.exceptions.TimeoutError(f"the answer was not whole after {left:.0f} s")
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Response(response.status, response.headers, b"".join(parts))

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        data: bytes | None,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
    ) -> urllib3.BaseHTTPResponse:
        self.count()
        return self._pool.request(
            method,
            self.credentials.server + path + (f"?{urlencode(query)}" if query else ""),
            body=data,
            headers={**self._headers, **headers},
            timeout=timeout,
            # A redirect would carry our token to another server.
            redirect=False,
            preload_content=False,
        )

    def _pause(self, attempt: int, retry_after: str | None) -> float | None:
        """Return how long to wait before the next attempt, or None when there is no time for one."""
        if retry_after is not None and retry_after.isdigit():
            pause = float(retry_after)
        else:
            # Full jitter: many hosts that failed together do not come back together.
            pause = random.uniform(0.5, 1.0) * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))  # noqa: S311
        return pause if time.monotonic() + pause < self._deadline else None

    def _unreachable(self, method: str, path: str, error: Exception) -> RampartError:
        server, context = self.credentials.server, self.credentials.context
        text = str(error)
        where = f"{method} {path} at {server} (context {context!r})"
        if isinstance(error, urllib3.exceptions.SSLError):
            why, step = tls.reason(text)
            return RampartError(f"{where} failed: {why}.", next_step=step, server=server)
        if isinstance(error, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)):
            refused = "refused" in text
            return UnreachableError(
                f"{where} failed: "
                + ("the connection was refused." if refused else "nothing answers there."),
                next_step="start the cluster, or correct the context and the address in the kubeconfig",
                server=server,
            )
        if isinstance(error, urllib3.exceptions.TimeoutError):
            said = text if "answer was" in text or "used up" in text else "the server did not answer in time"
            return RampartError(
                f"{where} failed: {said}.",
                next_step="look at the load of the API server and etcd, or raise request_timeout and "
                "api_timeout",
                server=server,
            )
        return RampartError(
            f"{where} failed: the connection broke ({type(error).__name__}).",
            next_step="check that the address is the API server's and that it runs",
            server=server,
        )


class StreamRefusedError(Exception):
    """The server answered a watch with something else than a stream."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def proxy_of(credentials: Credentials) -> str | None:
    """Return the proxy on the way to a server, by its kubeconfig or by the environment."""
    server = urlsplit(credentials.server)
    return credentials.proxy or _environment_proxy(server.scheme, server.netloc)


def _environment_proxy(scheme: str, netloc: str) -> str | None:
    if not any(name in os.environ for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")):
        return None
    from urllib.request import getproxies, proxy_bypass

    return None if proxy_bypass(netloc) else getproxies().get(scheme)
