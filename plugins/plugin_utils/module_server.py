# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A Python that has imported what modules import, and becomes one of them by a fork for every task.

To start Python and to import what every module needs takes longer than most modules work that find
nothing to do. Each of them still is a process and a session of its own with the environment, the folder
and the standard streams that Ansible gave it: its client is the process that Ansible starts in place of
Python, and hands them over. A module that is asked for is imported here once, without being run, so that the
next one finds what they share.

``python -P module_server.py LISTENER``: the number of an open socket that listens. It ends when its
standard input does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import time
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODULES = "ansible_collections.rampart.k8s.plugins.modules"
# The folder of all collections, by the way in which this one was found.
ROOT = Path(__file__).parents[4]
STREAMS = 3
# What a client sends is ready when it connects.
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a client hands over: which module, where, its environment and its streams."""

    module: str
    folder: str
    environment: Mapping[str, str]
    streams: tuple[int, ...]


def parse(message: bytes, streams: tuple[int, ...]) -> Request:
    """Read what a client has sent: texts that end with a zero byte each, the variables last."""
    module, folder, *variables = (os.fsdecode(part) for part in message.removesuffix(b"\0").split(b"\0"))
    named = (variable.partition("=") for variable in variables)
    return Request(module, folder, {name: value for name, _sign, value in named}, streams)


def receive(connection: socket.socket) -> Request:
    """Read a request, which ends with an empty text.

    Raises OSError or ValueError when there is none.
    """
    connection.settimeout(PATIENCE)
    message, streams, _flags, _address = socket.recv_fds(connection, 1 << 16, STREAMS)
    while not message.endswith(b"\0\0"):
        more = connection.recv(1 << 16)
        if not more:
            raise ValueError("a request without an end")
        message += more
    if len(streams) != STREAMS:
        raise ValueError("a request without its streams")
    return parse(message[:-1], tuple(streams))


class Server:
    """Waits for requests, and for the end of what was begun for them."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._running: dict[int, socket.socket] = {}
        self._ended, self._signal = socket.socketpair()
        self._selector = selectors.DefaultSelector()

    def serve(self) -> Request | None:
        """Return a request in the process that is to become its module, and nothing at the end."""
        for end in (self._ended, self._signal):
            end.setblocking(False)
        signal.set_wakeup_fd(self._signal.fileno())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for source in (sys.stdin, self._listener, self._ended):
            self._selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _events in self._selector.select():
                if key.fileobj is sys.stdin:
                    return None
                if key.fileobj is self._ended:
                    self._reap()
                elif key.fileobj is self._listener:
                    request = self._accept()
                    if request:
                        return request
                else:
                    self._abandon(key.data)

    def _accept(self) -> Request | None:
        connection, _address = self._listener.accept()
        try:
            request = receive(connection)
        except (OSError, ValueError):
            connection.close()
            return None
        prepare(request.module)
        # What is there by now is not looked at again, so that the pages stay shared.
        gc.freeze()
        child = os.fork()
        if child == 0:
            self._leave(connection)
            return request
        for stream in request.streams:
            os.close(stream)
        self._running[child] = connection
        self._selector.register(connection, selectors.EVENT_READ, child)
        return None

    def _leave(self, connection: socket.socket) -> None:
        """Keep nothing of the server in the process of a module."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for each in (self._listener, self._ended, self._signal, connection, *self._running.values()):
            each.close()

    def _reap(self) -> None:
        """Tell clients how their modules ended."""
        with contextlib.suppress(BlockingIOError):
            self._ended.recv(1 << 12)
        with contextlib.suppress(ChildProcessError):
            while True:
                child, status = os.waitpid(-1, os.WNOHANG)
                if child == 0:
                    return
                if child in self._running:
                    self._answer(self._running.pop(child), os.waitstatus_to_exitcode(status))

    def _answer(self, connection: socket.socket, code: int) -> None:
        self._selector.unregister(connection)
        with contextlib.suppress(OSError):
            # As a shell says that a signal ended it.
            connection.sendall(bytes([code if code >= 0 else 128 - code]))
        connection.close()

    def _abandon(self, child: int) -> None:
        """End a module whose client was ended; a client says nothing after its request."""
        connection = self._running.pop(child)
        self._selector.unregister(connection)
        connection.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGTERM)


def prepare(module: str) -> None:
    """Import what a module imports. Why that fails is the module's own to say."""
    name = f"{MODULES}.{module}"
    with contextlib.suppress(Exception):
        importlib.import_module(name)
    # It is run by this name afterwards.
    sys.modules.pop(name, None)


def become(request: Request, started_with: Mapping[str, str]) -> None:
    """Take over what the client handed over."""
    os.setsid()
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request.folder)
    if settings(request.environment) != settings(started_with):
        # Somebody wants another Python than this one.
        os.execve(sys.executable, [sys.executable], request.environment)  # noqa: S606 (no shell stood there either)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what Python and the C library read at their start."""
    return {name: value for name, value in environment.items() if name.startswith(("PYTHON", "LC_", "LANG"))}


def main(listener: int) -> None:
    """Serve, and run a module in each process that comes of it."""
    # Neither a terminal's signals nor those to Ansible's own session are for the server.
    os.setsid()
    package = types.ModuleType("ansible_collections")
    package.__path__ = [str(ROOT)]
    sys.modules["ansible_collections"] = package
    importlib.import_module("ansible.module_utils.basic")
    started_with = dict(os.environ)
    request = Server(socket.socket(fileno=listener)).serve()
    if request:
        become(request, started_with)
        sys.argv[:] = [""]
        # What Ansible sends to a Python that it starts itself.
        exec(compile(sys.stdin.buffer.read(), "<stdin>", "exec"), {"__name__": "__main__"})  # noqa: S102


if __name__ == "__main__":
    main(int(sys.argv[1]))
