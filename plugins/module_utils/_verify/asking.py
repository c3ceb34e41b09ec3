# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks a service over HTTP what it must answer or refuse, and looks what it tells by the way."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core import moment
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import handshake
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict

MOST_BODY = 1 << 16
# A log line is there when the answer is, or shortly after.
LOG_PATIENCE = 5.0
PAUSE = 0.5
# From here on a status says that something was not given.
REFUSES = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``why`` when nothing did."""

    status: int = 0
    headers: Mapping[str, str] | None = None
    body: str = ""
    why: str = ""


def name_of(namespace: str, request: Mapping[str, Any]) -> str:
    """Say what is asked, and of whom."""
    return f"{request['method']} {request['path']} at {namespace}/{request['service']}:{request['port']}"


def ask(host: str, port: int, request: Mapping[str, Any], *, tls: bool) -> Answer:
    """Send one request; whose certificate it is plays no part here."""
    connection: http.client.HTTPConnection = (
        http.client.HTTPSConnection(host, port, timeout=handshake.PATIENCE, context=handshake.today())
        if tls
        else http.client.HTTPConnection(host, port, timeout=handshake.PATIENCE)
    )
    try:
        connection.request(
            request["method"], request["path"], body=request["body"] or None, headers=request["headers"]
        )
        answer = connection.getresponse()
        body = answer.read(MOST_BODY).decode(errors="replace")
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
    except (OSError, http.client.HTTPException) as error:
        return Answer(why=str(error) or type(error).__name__)
    finally:
        connection.close()


def judge(namespace: str, request: Mapping[str, Any], answer: Answer, logged: bool | None) -> Proof:
    """Compare an answer with what must come; ``logged`` is None where no line is asked for."""
    statuses = request["status"]
    claim = f"{name_of(namespace, request)} is answered by {' or '.join(map(str, statuses))}"
    negative = all(status >= REFUSES for status in statuses)
    if not answer.status:
        return Proof(claim, Verdict.NOT_PROVEN, negative, answer.why)
    wrong = [] if answer.status in statuses else [f"it answers {answer.status}"]
    headers = answer.headers or {}
    for name, pattern in request["response_headers"].items():
        if not re.search(pattern, headers.get(name.lower(), "")):
            wrong.append(f"its header {name} is not as demanded")
    said = answer.body + "\n".join(headers.values())
    told = [pattern for pattern in request["absent"] if re.search(pattern, said)]
    wrong += [f"it tells what matches {pattern!r}" for pattern in told]
    if logged is False:
        wrong.append(f"its log has no line that matches {request['logged']!r}")
    return Proof(claim, Verdict.BROKEN if wrong else Verdict.HELD, negative, ", ".join(wrong))


class Log:
    """What a container writes from now on; its lines are counted, since others may look the same."""

    def __init__(self, client: Client, pod: Mapping[str, Any], pattern: str) -> None:
        self._client = client
        self._pod = pod["metadata"]
        self._pattern = re.compile(pattern)
        self._query = {
            # As the API spells times.
            "sinceTime": datetime.now(UTC).strftime(moment.FORMAT),
            "container": pod["spec"]["containers"][0]["name"],
        }
        self._before = self._count()

    def has_more(self) -> bool:
        """Wait for a line that matches."""
        end = time.monotonic() + LOG_PATIENCE
        while self._count() <= self._before:
            if time.monotonic() >= end:
                return False
            time.sleep(PAUSE)
        return True

    def _count(self) -> int:
        where = f"{self._pod['namespace']}/{self._pod['name']}"
        path = f"/api/v1/namespaces/{self._pod['namespace']}/pods/{self._pod['name']}/log"
        answer = self._client.transport.send("GET", path, query=self._query, accept="*/*")
        if answer.status != http.client.OK:
            raise RampartError(
                f"The log of Pod {where} cannot be read: the API server answered {answer.status}.",
                next_step="grant get on pods/log there",
            )
        lines = answer.body.decode(errors="replace").splitlines()
        return sum(1 for line in lines if self._pattern.search(line))
