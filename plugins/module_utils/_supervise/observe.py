# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Looks at one supervisord and its programs without changing anything."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.config import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.decide import Running
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import (
    Process,
    all_processes,
    orphans,
    supervisors,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import (
    MARK_FINGERPRINT,
    parse_fingerprint,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.rpc import NoAnswerError, Supervisor

MARK_HEAD = "RAMPART_SUPERVISOR"


@dataclass(frozen=True, slots=True)
class Observed:
    """What is there: who answers, who runs, who runs without care."""

    answers: bool
    head: str
    supervisors: list[Process]
    running: dict[str, Running] = field(default_factory=dict)
    orphans: list[Process] = field(default_factory=list)
    config: str = ""

    def orphan_pids(self) -> dict[str, int]:
        return {process.program: process.pid for process in self.orphans}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise RampartError(
            f"Could not read {path}: {error}.",
            next_step="correct its permissions or remove it",
            path=str(path),
        ) from error


def _running(info: Mapping[str, object], processes: Mapping[int, Process], living: Container[int]) -> Running:
    pid = int(str(info["pid"]))
    process = processes.get(pid)
    if pid in living:
        # supervisord has forked, but its child is not the program yet.
        return Running("STARTING", pid)
    text = process.environment.get(MARK_FINGERPRINT, "") if process else ""
    return Running(str(info["statename"]), pid, parse_fingerprint(text))


def observe(layout: Layout) -> Observed:
    """Ask supervisord, and the kernel for what supervisord cannot know."""
    config = _read(layout.config)
    infos: dict[str, dict[str, object]] = {}
    answers = False
    answering = 0
    if layout.socket.exists():
        supervisor = Supervisor(layout.socket)
        try:
            answering = supervisor.pid()
            infos = supervisor.programs()
            answers = True
        except NoAnswerError:
            infos = {}
    processes = all_processes()
    living = supervisors(processes, layout.config)
    # A second supervisord of the same directory would start everything twice. A child of the first
    # one that is about to become a program still has its command line.
    strange = [process for process in living if answering not in (process.pid, process.parent)]
    numbers = {process.pid for process in living}
    running = {name: _running(info, processes, numbers) for name, info in infos.items()}
    managed = [entry.pid for entry in running.values() if entry.pid]
    head = next(
        (process.environment.get(MARK_HEAD, "") for process in living if process.pid == answering), ""
    )
    return Observed(
        answers=answers and not strange,
        head=head,
        supervisors=living,
        running=running,
        orphans=orphans(processes, layout.directory, managed),
        config=config,
    )
