# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scanners run beside each other within their slots; one that locks its cache runs alone."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._scan.schedule import (
    MOST_OPEN,
    Batch,
    Task,
    run_all,
)


class Watch:
    """Counts what runs at once."""

    def __init__(self, together: int) -> None:
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.open = 0
        self.most_open = 0
        self.done: list[str] = []
        self._lock = threading.Lock()
        # Two that wait for each other prove that they run at once, without any clock.
        self._meet = threading.Barrier(together, timeout=20) if together > 1 else None

    def task(self, name: str, subject: str, *, meet: bool = False) -> Task:
        def work() -> None:
            with self._lock:
                self.running[name] += 1
                self.running["all"] += 1
                for key in (name, "all"):
                    self.most[key] = max(self.most[key], self.running[key])
            if meet and self._meet:
                self._meet.wait()
            with self._lock:
                self.running[name] -= 1
                self.running["all"] -= 1
                self.done.append(f"{subject} {name}")

        return Task(name, work)

    def batch(self, subject: str, names: list[str], *, meet: bool = False) -> Batch:
        def prepare() -> list[Task]:
            with self._lock:
                self.open += 1
                self.most_open = max(self.most_open, self.open)
            return [self.task(name, subject, meet=meet) for name in names]

        def finish() -> None:
            self.open -= 1
            self.done.append(f"{subject} finished")

        return Batch(prepare, finish)


def test_two_scanners_of_one_image_run_at_once() -> None:
    watch = Watch(2)
    run_all([watch.batch("a", ["trivy", "grype"], meet=True)], slots=2)
    assert watch.most["all"] == 2
    assert watch.done[-1] == "a finished"


def test_one_that_locks_its_cache_is_never_run_twice_at_once() -> None:
    watch = Watch(1)
    subjects = [watch.batch(name, ["trivy", "trivy", "grype"]) for name in "abcdef"]
    run_all(subjects, slots=4, exclusive=frozenset({"trivy"}))
    assert watch.most["trivy"] == 1
    assert watch.most["all"] <= 4
    assert len(watch.done) == 6 * 4


def test_no_more_images_are_unpacked_than_fit() -> None:
    watch = Watch(1)
    run_all([watch.batch(str(number), ["trivy", "grype"]) for number in range(12)], slots=8)
    assert watch.most_open <= MOST_OPEN


def test_one_without_work_is_finished_too() -> None:
    watch = Watch(1)
    run_all([watch.batch("a", []), watch.batch("b", ["trivy"])], slots=2)
    assert sorted(watch.done) == ["a finished", "b finished", "b trivy"]


def test_a_mistake_is_not_swallowed() -> None:
    def broken() -> None:
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        run_all([Batch(lambda: [Task("trivy", broken)], lambda: None)], slots=2)
