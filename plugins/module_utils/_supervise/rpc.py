# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Talks to supervisord over its socket, with a time limit on every call.

supervisor's own transport has none: a stopped supervisord would hold a run for ever.
"""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# supervisord answers from one loop, which may be busy starting programs on a loaded machine.
ANSWER_SECONDS = 10.0

# Faults of supervisor's own numbering (supervisor.xmlrpc.Faults).
BAD_NAME = 10
ALREADY_STARTED = 60
NOT_RUNNING = 70
ALREADY_ADDED = 90


class NoAnswerError(Exception):
    """Nobody answers at the socket."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__()
        self._path = path
        self._timeout = timeout

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        # A new one each time: supervisord closes idle ones without a word.
        return _Connection(self._path, self._timeout)


class Supervisor:
    """The calls that are needed, by their meaning."""

    def __init__(self, socket_path: Path, *, timeout: float = ANSWER_SECONDS) -> None:
        self._socket_path = socket_path
        transport = _Transport(str(socket_path), timeout)
        self._proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport)

    def _call(self, method: str, *arguments: Any, accept: tuple[int, ...] = ()) -> Any:
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in accept:
                return None
            raise RampartError(
                f"supervisord refused {method}{arguments}: {fault.faultString}.",
                next_step=f"look into the log beside {self._socket_path}",
                fault=fault.faultCode,
            ) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise NoAnswerError(f"no answer to {method} at {self._socket_path}: {error}") from error

    def pid(self) -> int:
        return int(self._call("getPID"))

    def programs(self) -> dict[str, dict[str, Any]]:
        return {info["name"]: info for info in self._call("getAllProcessInfo")}

    def reload(self) -> tuple[set[str], set[str], set[str]]:
        """Read the configuration again; return what was added, changed and removed in it."""
        added, changed, removed = self._call("reloadConfig")[0]
        return set(added), set(changed), set(removed)

    def start(self, name: str) -> None:
        self._call("startProcess", name, False, accept=(ALREADY_STARTED,))

    def stop(self, name: str) -> None:
        self._call("stopProcess", name, False, accept=(NOT_RUNNING, BAD_NAME))

    def add(self, name: str) -> None:
        self._call("addProcessGroup", name, accept=(ALREADY_ADDED,))

    def remove(self, name: str) -> None:
        self._call("removeProcessGroup", name, accept=(BAD_NAME,))

    def shutdown(self) -> None:
        self._call("shutdown")
