# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import schedule
from ansible_collections.rampart.k8s.plugins.module_utils._tools.schedule import (
    RESERVE_MB,
    Job,
    available_mb,
    run_all,
    startable,
)

MEMINFO = "MemTotal:       24659732 kB\nMemFree:         1000000 kB\nMemAvailable:    {} kB\n"


def nothing() -> None:
    pass


def job(name: str, memory_mb: int, work: Callable[[], None] = nothing) -> Job:
    return Job(name, memory_mb, work)


SMALL, MIDDLE, LARGE = job("small", 100), job("middle", 1000), job("large", 4000)


@pytest.mark.parametrize(
    ("waiting", "running", "memory_mb", "slots", "started"),
    [
        ([SMALL, MIDDLE, LARGE], [], 10_000, 3, ["large", "middle", "small"]),
        ([SMALL, MIDDLE, LARGE], [], 10_000, 2, ["large", "middle"]),
        ([SMALL, MIDDLE, LARGE], [], 4500, 3, ["large", "small"]),
        # Too little memory for any: one runs all the same, and alone.
        ([SMALL, MIDDLE, LARGE], [], 50, 3, ["large"]),
        ([SMALL, MIDDLE], [LARGE], 4000, 3, []),
        ([SMALL, MIDDLE], [LARGE], 4100, 3, ["small"]),
        ([SMALL], [LARGE, MIDDLE], 10_000, 2, []),
        ([], [LARGE], 10_000, 2, []),
    ],
)
def test_startable(
    waiting: list[Job], running: list[Job], memory_mb: int, slots: int, started: list[str]
) -> None:
    assert [item.name for item in startable(waiting, running, memory_mb=memory_mb, slots=slots)] == started


def test_the_memory_that_can_be_given_away() -> None:
    assert available_mb(MEMINFO.format(8 * 1024**2)) == 8 * 1024 - RESERVE_MB
    assert available_mb(MEMINFO.format(8 * 1024**2), 3000) == 3000 - RESERVE_MB
    assert available_mb(MEMINFO.format(1000)) == 0


def test_jobs_run_at_the_same_time_and_no_more_than_the_slots() -> None:
    together = threading.Barrier(2, timeout=10)
    lock = threading.Lock()
    now, most = 0, 0

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait()
        with lock:
            now -= 1

    run_all([job(str(number), 10, work) for number in range(6)], memory_mb=1000, slots=2, say=print)
    assert most == 2


def fail(name: str) -> Callable[[], None]:
    def work() -> None:
        raise RampartError(f"{name} went wrong.", next_step="do this")

    return work


def test_a_failure_does_not_stop_the_others_and_is_reported() -> None:
    done: list[str] = []
    jobs = [job("bad", 10, fail("bad")), job("good", 5, lambda: done.append("good"))]
    with pytest.raises(RampartError, match=r"^bad went wrong\."):
        run_all(jobs, memory_mb=1, slots=1, say=print)
    assert done == ["good"]


def test_several_failures_are_reported_together() -> None:
    with pytest.raises(RampartError) as raised:
        run_all([job("a", 1, fail("a")), job("b", 1, fail("b"))], memory_mb=10, slots=2, say=print)
    assert "a went wrong." in raised.value.message
    assert "b went wrong." in raised.value.message
    assert raised.value.details == {"failed": ["a", "b"]}
    assert raised.value.next_step == "do this"


def test_an_error_that_nobody_foresaw_is_not_dressed_up() -> None:
    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_all([job("a", 1, work), job("b", 1, fail("b"))], memory_mb=10, slots=2, say=print)


def test_a_long_job_is_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "HEARTBEAT_SECONDS", 0.01)
    spoken = threading.Event()
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        spoken.set()

    def work() -> None:
        assert spoken.wait(10)

    run_all([job("slow", 10, work), job("next", 5)], memory_mb=1, slots=1, say=say)
    assert said[0] == "working on slow; 1 more to come"
