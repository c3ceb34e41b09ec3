# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads etcd through its JSON gateway: pages of values, and the history that is not compacted yet.

The gateway stands on etcd's client port and needs nothing but HTTPS and the client certificate, so
that no etcdctl has to be there.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.source import CompactedError, Value

# A page is asked for by number of values but paid for in bytes; the number follows the size seen.
PAGE_BYTES = 4 * 1024 * 1024
FIRST_PAGE = 64
LARGEST_PAGE = 1000

# etcd starts, has no leader, or was asked for too much at once.
BUSY = frozenset((429, 500, 502, 503, 504))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where etcd is and how to log in."""

    url: str
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: float = 10.0


class EtcdAwayError(RampartError):
    """etcd did not answer; it may do so again."""


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _after(prefix: bytes) -> bytes:
    """Return the end of the range of all keys with a prefix."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


class Gateway:
    """One connection to one etcd member."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        address = urlsplit(endpoint.url)
        self._host = address.hostname or ""
        if address.scheme not in ("http", "https") or not self._host:
            raise RampartError(
                f"{endpoint.url} is not an address of etcd.",
                next_step="give it as https://host:port",
            )
        if address.scheme == "http" and self._host not in ("127.0.0.1", "::1", "localhost"):
            raise RampartError(
                f"{endpoint.url} would carry every secret of the cluster in plain text.",
                next_step="use https; http is for this machine only",
            )
        self._port = address.port or 2379
        self._context = self._tls() if address.scheme == "https" else None
        self._connection: http.client.HTTPConnection | None = None

    def _tls(self) -> ssl.SSLContext:
        files = self._endpoint
        try:
            context = ssl.create_default_context(cafile=files.ca_cert)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if files.client_cert:
                context.load_cert_chain(files.client_cert, files.client_key)
        except (OSError, ssl.SSLError) as error:
            raise RampartError(
                f"Could not load the certificates for etcd at {files.url}: {error.strerror or error}.",
                next_step="check the paths of ca_cert, client_cert and client_key",
            ) from error
        return context

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._context)

    def _open(self, path: str, body: dict[str, Any]) -> http.client.HTTPResponse:
        """Send one request on a connection that is kept; a failed one is not used again."""
        if self._connection is None:
            self._connection = self._connect(self._endpoint.timeout)
        try:
            self._connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._away(str(getattr(error, "strerror", "") or error)) from error
        if response.status == 200:
            return response
        said = response.read(2000).decode("utf-8", errors="replace")
        self.close()
        if response.status == 404:
            raise self._failed("it does not serve the JSON gateway (--enable-grpc-gateway)")
        if "has been compacted" in said:
            raise CompactedError
        if response.status in BUSY:
            raise self._away(f"it answered {response.status}: {said}")
        raise self._failed(f"it answered {response.status}: {said}")

    def _failed(self, why: str, kind: type[RampartError] = RampartError) -> RampartError:
        return kind(
            f"Could not read etcd at {self._endpoint.url}: {why}.",
            next_step="check that etcd is up and that the client certificate may read everything",
            endpoint=self._endpoint.url,
        )

    def _away(self, why: str) -> RampartError:
        return self._failed(why, EtcdAwayError)

    def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self._open(path, body)
        try:
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise self._away("its answer is not whole") from error
        if not isinstance(answer, dict) or "header" not in answer:
            raise self._failed("its answer is not that of etcd")
        return answer

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def revision(self) -> int:
        """Return the current revision."""
        answer = self._call(
            "/v3/kv/range", {"key": _b64(b"\0"), "range_end": _b64(b"\0"), "count_only": True}
        )
        return int(answer["header"]["revision"])

    def values(self, prefix: bytes, revision: int, after: bytes = b"") -> Iterator[Value]:
        """Yield every value under a prefix as of one revision, in pages of bounded size.

        The revision 0 is the present one of each page; ``after`` is a key to go on behind.
        """
        key, end, limit = after + b"\0" if after else prefix, _after(prefix), FIRST_PAGE
        more = True
        while more:
            asked = {"key": _b64(key), "range_end": _b64(end), "limit": limit, "revision": revision}
            answer = self._call("/v3/kv/range", asked)
            pairs = answer.get("kvs", [])
            size = 0
            for pair in pairs:
                value = _value(pair)
                size += len(value.key) + len(value.value)
                yield value
            more = bool(answer.get("more"))
            if more and not pairs:
                raise self._failed("it says that there is more and sends nothing")
            if more:
                key = base64.b64decode(pairs[-1]["key"]) + b"\0"
                fitting = PAGE_BYTES * len(pairs) // max(size, 1)
                limit = max(1, min(limit * 2, fitting, LARGEST_PAGE))

    def compacted(self) -> int:
        """Return the revision up to which etcd has forgotten its history."""
        try:
            for _event in self._events(1, 1):
                break
        except CompactedError as compacted:
            return compacted.revision
        return 0

    def history(self, prefix: bytes, revision: int) -> Iterator[Value]:
        """Yield every older value that etcd still holds up to a revision, deleted objects included.

        That is each value as of the compacted revision and each value written since. The values
        that are live at ``revision`` are among them. Raises CompactedError when etcd forgets more of it
        meanwhile.
        """
        start = self.compacted()
        if start:
            yield from self.values(prefix, start)
        yield from self._events(start + 1, revision, prefix)

    def full(self) -> bool:
        """Tell whether etcd has raised the alarm of its quota, and takes no more writes."""
        alarms = self._call("/v3/maintenance/alarm", {"action": "GET"}).get("alarms", [])
        return any(alarm.get("alarm") == "NOSPACE" for alarm in alarms)

    def compact(self, revision: int) -> None:
        """Let etcd forget everything before a revision; the only call that changes anything."""
        with suppress(CompactedError):
            self._call("/v3/kv/compaction", {"revision": revision, "physical": True})

    def _events(self, start: int, end: int, prefix: bytes = b"") -> Iterator[Value]:
        """Yield what was written from one revision to another.

        The whole key space is watched: every revision then brings an event, so that the end is
        known to have come and no waiting is needed.
        """
        if start > end:
            return
        create = {
            "key": _b64(b"\0"),
            "range_end": _b64(b"\0"),
            "start_revision": start,
            # Without it a single line could hold a thousand values.
            "fragment": True,
        }
        response = self._open("/v3/watch", {"create_request": create})
        try:
            for line in response:
                result = json.loads(line).get("result", {})
                if result.get("canceled"):
                    raise CompactedError(int(result.get("compact_revision", 0)))
                last = 0
                for event in result.get("events", []):
                    last = int(event["kv"]["mod_revision"])
                    if last > end:
                        return
                    # Go leaves out a field with its zero value, and PUT is the zero of the types.
                    if event.get("type", "PUT") == "PUT":
                        value = _value(event["kv"])
                        if value.key.startswith(prefix):
                            yield value
                if last >= end and not result.get("fragment"):
                    return
            raise self._failed("it ended its history early")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._away("its history is not whole") from error
        finally:
            # The stream never ends by itself.
            self.close()


def _value(pair: dict[str, Any]) -> Value:
    return Value(base64.b64decode(pair["key"]), base64.b64decode(pair.get("value", "")))
