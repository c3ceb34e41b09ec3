# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ears on the channels that leave no file: the system log, and what every process was started with."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

SYSLOG = Path("/dev/log")
# Seconds between two looks at the processes, and how often each is looked at.
INTERVAL = 0.005
LOOKS = 20


def _listen(heard: list[bytes], server: socket.socket, ended: threading.Event) -> None:
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            heard.append(server.recv(65536))


@contextlib.contextmanager
def system_log() -> Iterator[list[bytes] | None]:
    """Yield what modules write to the system log while the block runs.

    Ansible modules send "Invoked with" to /dev/log. Where a log daemon owns it, its messages are not ours
    to take, and None is yielded.
    """
    if SYSLOG.exists():
        yield None
        return
    heard: list[bytes] = []
    ended = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(SYSLOG))
        server.settimeout(0.2)
        listener = threading.Thread(target=_listen, args=(heard, server, ended))
        listener.start()
        try:
            yield heard
        finally:
            ended.set()
            listener.join()
            SYSLOG.unlink()


def _look(seen: set[bytes], ended: threading.Event) -> None:
    """Read each new process a few times: between fork and exec it still shows its parent's arguments."""
    looks: dict[str, int] = {}
    while not ended.wait(INTERVAL):
        alive = {process for process in os.listdir("/proc") if process.isdigit()}
        looks = {process: looks.get(process, 0) + 1 for process in alive}
        for process in (process for process, times in looks.items() if times <= LOOKS):
            for file in ("cmdline", "environ"):
                # A process may end between the listing and the reading.
                with contextlib.suppress(OSError):
                    seen.add(Path("/proc", process, file).read_bytes())


@contextlib.contextmanager
def processes() -> Iterator[set[bytes]]:
    """Yield the arguments and the environments of all processes that were seen while the block ran."""
    seen: set[bytes] = set()
    ended = threading.Event()
    looker = threading.Thread(target=_look, args=(seen, ended))
    looker.start()
    try:
        yield seen
    finally:
        ended.set()
        looker.join()
