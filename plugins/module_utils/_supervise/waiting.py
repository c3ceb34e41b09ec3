# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Waits until all programs run, and says why one does not."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.config import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.daemon import LOOK_SECONDS
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.rpc import Supervisor

# supervisor's words for a program that could be started but did not stay; it is tried again.
TRIED_AGAIN = "Exited too quickly"

ANSWER_SECONDS = 0.5
TAIL_LINES = 20
TAIL_BYTES = 16 * 1024
PRIVATE_FILE_LIMIT = 1024 * 1024

# Words of a private file that could be a key or a token; paths and plain words are no secrets.
SECRET_WORD = re.compile(rb"[A-Za-z0-9+=_.-][A-Za-z0-9+/=_.-]{15,}")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+\S+")


def teach(redactor: Redactor, program: Program) -> None:
    """Let the redactor know what stands in the private files that a program reads."""
    for path in program.reads:
        try:
            status = path.stat()
            if status.st_mode & 0o077 or status.st_size > PRIVATE_FILE_LIMIT:
                continue
            redactor.add(*set(SECRET_WORD.findall(path.read_bytes())))
        except OSError:
            # What cannot be read cannot be in a log either; the failure itself is reported elsewhere.
            continue


def tail(path: Path, redactor: Redactor) -> list[str]:
    """Return the last lines of a log without secrets."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - TAIL_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    text = redactor.text(BEARER.sub(r"\1 ********", PRIVATE_KEY.sub("********", text)))
    return text.splitlines()[-TAIL_LINES:]


def answers(place: str) -> bool:
    """Whether somebody answers at https://host:port, or accepts connections at the path of a socket.

    A server binds its port long before it serves, so that a connection alone says nothing; a
    handshake does. Nothing is sent, so whose certificate it is does not matter.
    """
    with contextlib.suppress(OSError):
        if place.startswith("/"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(ANSWER_SECONDS)
                connection.connect(place)
            return True
        address = urlsplit(place)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection((address.hostname, address.port), ANSWER_SECONDS) as plain:
            context.wrap_socket(plain).close()
        return True
    return False


class Held:
    """Programs that are started as soon as those answer whom they need.

    Started before, they would try in vain and then sit out a pause of their own.
    """

    def __init__(self, supervisor: Supervisor, programs: Iterable[Program]) -> None:
        self._supervisor = supervisor
        self._waiting = {program.name: program for program in programs}

    def release(self, *, at_once: bool = False) -> None:
        """Start those whose time has come."""
        places = {place for program in self._waiting.values() for place in program.after}
        ready = places if at_once else {place for place in places if answers(place)}
        for name, program in list(self._waiting.items()):
            if ready.issuperset(program.after):
                self._supervisor.start(name)
                del self._waiting[name]

    def missing(self, name: str) -> list[str]:
        """Return what a program waits for; empty when it was started."""
        program = self._waiting.get(name)
        return list(program.after) if program else []


class Failures:
    """Counts how often each program has ended since the wait began."""

    def __init__(self) -> None:
        self._ends: dict[str, set[int]] = {}
        self._first: dict[str, int] = {}

    def look(self, infos: Mapping[str, Mapping[str, Any]]) -> None:
        for name, info in infos.items():
            first = self._first.setdefault(name, int(info["stop"]))
            if int(info["stop"]) != first or info["statename"] == "BACKOFF":
                self._ends.setdefault(name, set()).add(int(info["stop"]))

    def count(self, name: str) -> int:
        return len(self._ends.get(name, ()))


def _start_error(info: Mapping[str, Any]) -> str:
    """Say why no process could be made at all: another try would end the same way."""
    error = str(info.get("spawnerr") or "")
    return "" if error.startswith(TRIED_AGAIN) else error


def _fail(
    program: Program, what: str, info: Mapping[str, Any], log: Path, redactor: Redactor
) -> RampartError:
    teach(redactor, program)
    lines = tail(log, redactor)
    said = _start_error(info) or (lines[-1] if lines else "nothing; its log is empty")
    return RampartError(
        f"The program {program.name} {what}. It said last: {said}",
        next_step=f"correct what {log} complains about, then run again",
        program=program.name,
        state=info.get("statename", "ABSENT"),
        log=str(log),
        log_tail=lines,
    )


def wait_running(
    supervisor: Supervisor,
    programs: Iterable[Program],
    held: Held,
    layout: Layout,
    redactor: Redactor,
    *,
    seconds: float,
    failures_allowed: int,
) -> dict[str, dict[str, Any]]:
    """Return supervisord's words on all programs once each wanted one is running."""
    wanted = [program for program in programs if program.autostart]
    deadline = time.monotonic() + seconds
    failures = Failures()
    while True:
        held.release()
        infos = supervisor.programs()
        failures.look(infos)
        late: list[Program] = []
        for program in wanted:
            info = infos.get(program.name, {"statename": "ABSENT"})
            if info["statename"] == "RUNNING" and (not program.answers or answers(program.answers)):
                continue
            late.append(program)
            log = layout.program_log(program.name)
            if info["statename"] == "FATAL" or _start_error(info):
                raise _fail(program, "cannot be started", info, log, redactor)
            if failures.count(program.name) > failures_allowed:
                what = f"ended {failures.count(program.name)} times while it should have come up"
                raise _fail(program, what, info, log, redactor)
            if time.monotonic() > deadline:
                missing = held.missing(program.name)
                if missing:
                    raise RampartError(
                        f"The program {program.name} waits for {' and '.join(missing)}, without an answer "
                        f"after {seconds:g} s.",
                        next_step=f"look into the logs of the others in {layout.logs}, then run again",
                        program=program.name,
                    )
                unheard = f"does not answer at {program.answers}" if program.answers else "is not RUNNING"
                what = f"is {info['statename']} and {unheard} after {seconds:g} s"
                raise _fail(program, what, info, log, redactor)
        if not late:
            return infos
        time.sleep(LOOK_SECONDS)
