# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lets scanners run beside each other: as many as there are slots, and one that locks its cache alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import end_children

# Unpacked images that lie on the disk at once: two that are judged, and the next.
MOST_OPEN = 3


@dataclass(frozen=True, slots=True)
class Task:
    """One scanner on one subject."""

    name: str
    work: Callable[[], None]


@dataclass(slots=True)
class Batch:
    """One subject: it is prepared, judged by its scanners, and cleared away."""

    prepare: Callable[[], Sequence[Task]]
    finish: Callable[[], None]
    _left: int = field(default=0)


def run_all(batches: Sequence[Batch], *, slots: int, exclusive: frozenset[str] = frozenset()) -> None:
    """Run everything. Tasks keep their own troubles to themselves; an error here is a mistake of ours."""
    pool = ThreadPoolExecutor(max_workers=slots)
    try:
        _Schedule(deque(batches), pool, slots, exclusive).run()
    except BaseException:
        # Interrupted: whoever waits for a scanner in another thread would wait on.
        end_children()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Schedule:
    def __init__(
        self, waiting: deque[Batch], pool: ThreadPoolExecutor, slots: int, exclusive: frozenset[str]
    ) -> None:
        self._waiting = waiting
        self._pool = pool
        self._slots = slots
        self._exclusive = exclusive
        self._ready: list[tuple[Batch, Task]] = []
        self._open = 0
        self._running: dict[Future[Sequence[Task] | None], tuple[Batch, str]] = {}

    def run(self) -> None:
        while self._waiting or self._ready or self._running:
            while len(self._running) < self._slots and self._start():
                pass
            done, _others = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                self._ended(future)

    def _start(self) -> bool:
        busy = {name for _batch, name in self._running.values()} & self._exclusive
        for place, (batch, task) in enumerate(self._ready):
            if task.name not in busy:
                del self._ready[place]
                self._running[self._pool.submit(task.work)] = batch, task.name
                return True
        if self._waiting and self._open < MOST_OPEN:
            batch = self._waiting.popleft()
            self._open += 1
            self._running[self._pool.submit(batch.prepare)] = batch, ""
            return True
        return False

    def _ended(self, future: Future[Sequence[Task] | None]) -> None:
        batch, name = self._running.pop(future)
        tasks = future.result()
        if name:
            batch._left -= 1
        elif tasks:
            batch._left = len(tasks)
            self._ready += [(batch, task) for task in tasks]
        if not batch._left:
            self._open -= 1
            batch.finish()
