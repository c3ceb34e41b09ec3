# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs several pieces of work at once, within the machine's memory and processors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import end_children
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# Left to everything else on the machine.
RESERVE_MB = 1024

# A person who waits wants to see that it still works.
HEARTBEAT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work and the memory that it needs at its height."""

    name: str
    memory_mb: int
    work: Callable[[], None]


def available_mb(meminfo: str, cgroup_free_mb: int | None = None) -> int:
    """Return the memory that can be given away, from /proc/meminfo and the control group's rest."""
    kilobytes = next(
        int(line.split()[1]) for line in meminfo.splitlines() if line.startswith("MemAvailable:")
    )
    free = kilobytes // 1024
    return max(0, min(free, free if cgroup_free_mb is None else cgroup_free_mb) - RESERVE_MB)


def cgroup_free_mb() -> int | None:
    """Return what the control group leaves, where there is a limit (a container, a CI job)."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            bound = (Path("/sys/fs/cgroup") / limit).read_text().strip()
            now = (Path("/sys/fs/cgroup") / used).read_text().strip()
        except OSError:
            continue
        if bound.isdecimal():
            return (int(bound) - int(now)) // 1024**2
    return None


def startable(waiting: Sequence[Job], running: Sequence[Job], *, memory_mb: int, slots: int) -> list[Job]:
    """Choose what starts now, the largest first.

    One job may always run, however large it says to be: the machine's answer to too little memory
    is better than none.
    """
    chosen: list[Job] = []
    for job in sorted(waiting, key=lambda item: -item.memory_mb):
        active = [*running, *chosen]
        fits = sum(item.memory_mb for item in active) + job.memory_mb <= memory_mb
        if not active or (fits and len(active) < slots):
            chosen.append(job)
    return chosen


def run_all(jobs: Sequence[Job], *, memory_mb: int, slots: int, say: Callable[[str], None]) -> None:
    """Run the jobs; when some fail, the others still end and stay in the cache.

    Raises RampartError naming every job that failed.
    """
    waiting, running = list(jobs), dict[str, Job]()
    failed: dict[str, Exception] = {}
    state = threading.Condition()

    def work(job: Job) -> None:
        trouble: Exception | None = None
        try:
            job.work()
        except Exception as error:
            trouble = error
        with state:
            del running[job.name]
            if trouble:
                failed[job.name] = trouble
            state.notify()

    try:
        with state:
            while waiting or running:
                for job in startable(waiting, list(running.values()), memory_mb=memory_mb, slots=slots):
                    waiting.remove(job)
                    running[job.name] = job
                    threading.Thread(target=work, args=(job,), daemon=True, name=job.name).start()
                if not state.wait(HEARTBEAT_SECONDS):
                    say(f"working on {', '.join(sorted(running))}; {len(waiting)} more to come")
    except BaseException:
        end_children()
        raise
    _report(failed, len(jobs))


def _report(failed: dict[str, Exception], total: int) -> None:
    unknown = [error for error in failed.values() if not isinstance(error, RampartError)]
    if unknown:
        raise unknown[0]
    errors = {name: error for name, error in failed.items() if isinstance(error, RampartError)}
    if len(errors) == 1:
        raise next(iter(errors.values()))
    if errors:
        raise RampartError(
            f"{len(errors)} of {total} tools could not be got: "
            + " ".join(error.message for error in errors.values()),
            next_step="; ".join(
                dict.fromkeys(error.next_step for error in errors.values() if error.next_step)
            ),
            failed=sorted(errors),
        )
