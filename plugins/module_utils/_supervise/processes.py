# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Finds the processes of one supervisord by their marks, and ends them within a bounded time."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import (
    MARK_EXECUTABLE,
    MARK_PROGRAM,
    MARK_STOP,
)

DEFAULT_STOP = (500, "TERM", 10)

# The kernel ends a killed process as soon as its system call returns; a disk that hangs takes longer.
KILL_SECONDS = 10.0

# An interpreter's script is its second or third argument, after at most one option.
SCRIPT_POSITIONS = 3


@dataclass(frozen=True, slots=True)
class Process:
    """One process with what the kernel says of it."""

    pid: int
    parent: int
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)

    @property
    def program(self) -> str:
        return self.environment.get(MARK_PROGRAM, "").rpartition("/")[2]

    def belongs_to(self, directory: Path) -> bool:
        """Whether it is a supervised program itself, not something that one started.

        Children inherit the marks. A containerd shim must outlive its containerd, so the marks
        alone are not enough: the process must also run what the marks name.
        """
        if self.environment.get(MARK_PROGRAM, "").rpartition("/")[0] != str(directory):
            return False
        executable = self.environment.get(MARK_EXECUTABLE, "")
        return bool(executable) and executable in self.argv[:SCRIPT_POSITIONS]

    @property
    def stop(self) -> tuple[int, str, int]:
        """Priority, signal and patience, as it was started with."""
        match self.environment.get(MARK_STOP, "").split():
            case [priority, name, seconds] if priority.lstrip("-").isdigit() and seconds.isdigit():
                return int(priority), name, int(seconds)
        return DEFAULT_STOP


def read_process(pid: int) -> Process | None:
    """Read one process; None when it has ended or is not ours to look into."""
    folder = Path("/proc") / str(pid)
    try:
        argv = (folder / "cmdline").read_bytes()
        environment = (folder / "environ").read_bytes()
        status = (folder / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    variables = (entry.partition("=") for entry in os.fsdecode(environment).split("\0") if entry)
    return Process(
        pid,
        # The name in brackets may hold spaces and brackets; the parent is the second field after it.
        int(status.rpartition(")")[2].split()[1]),
        tuple(os.fsdecode(argv).rstrip("\0").split("\0")),
        {name: value for name, _unused, value in variables},
    )


def all_processes() -> dict[int, Process]:
    """Read every process on the machine that we may look into."""
    found = (read_process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process is not None}


def supervisors(processes: Mapping[int, Process], config: Path) -> list[Process]:
    """Find every supervisord of one configuration, by its command line."""
    tail = ("-m", "supervisor.supervisord", "-c", str(config))
    return [process for process in processes.values() if process.argv[-len(tail) :] == tail]


def _under(process: Process, roots: frozenset[int], processes: Mapping[int, Process]) -> bool:
    seen: set[int] = set()
    current: Process | None = process
    while current is not None and current.pid not in seen:
        if current.pid in roots:
            return True
        seen.add(current.pid)
        current = processes.get(current.parent)
    return False


def orphans(processes: Mapping[int, Process], directory: Path, managed: Iterable[int]) -> list[Process]:
    """Find programs of this directory that the living supervisord does not care for."""
    roots = frozenset(managed)
    return [
        process
        for process in processes.values()
        if process.belongs_to(directory) and not _under(process, roots, processes)
    ]


class Handle:
    """A process that cannot be mistaken for another one that got its number later."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._descriptor = -1
        with contextlib.suppress(ProcessLookupError):
            self._descriptor = os.pidfd_open(process.pid)
            # Between the look and the opening the number may have gone to another process.
            again = read_process(process.pid)
            if again is None or again.argv != process.argv:
                self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within the given time."""
        if self._descriptor < 0:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(max(0.0, seconds) * 1000))

    def send(self, sign: signal.Signals) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, sign)

    def kill_group(self) -> None:
        """Kill it with its group when it leads one, as supervisor does after its patience."""
        if self._descriptor < 0 or self.wait(0):
            return
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(self.process.pid) == self.process.pid:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.send(signal.SIGKILL)


def end(processes: Iterable[Process]) -> None:
    """End processes, the highest priority number first, each level together."""
    levels: dict[int, list[Process]] = {}
    for process in processes:
        levels.setdefault(process.stop[0], []).append(process)
    for priority in sorted(levels, reverse=True):
        _end_level(levels[priority])


def _end_level(processes: list[Process]) -> None:
    handles = [Handle(process) for process in processes]
    try:
        for handle in handles:
            name = f"SIG{handle.process.stop[1]}"
            handle.send(signal.Signals.__members__.get(name, signal.SIGTERM))
        started = time.monotonic()
        for handle in handles:
            if not handle.wait(started + handle.process.stop[2] - time.monotonic()):
                handle.kill_group()
        for handle in handles:
            if not handle.wait(KILL_SECONDS):
                raise RampartError(
                    f"The process {handle.process.pid} ({handle.process.argv[0]}) does not end, "
                    "although it was killed; it hangs in the kernel, most likely on a disk.",
                    next_step="look at the disk, then run again",
                    pid=handle.process.pid,
                )
    finally:
        for handle in handles:
            handle.close()
