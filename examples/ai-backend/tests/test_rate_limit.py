# SPDX-License-Identifier: GPL-3.0-or-later
"""A bucket of tokens: a burst, then evenly, each key by itself."""

from __future__ import annotations

import pytest
from kit.rate_limit import RateLimit, retry_after


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_evenly() -> None:
    clock = Clock()
    limit = RateLimit(3, 60, clock=clock)
    assert [limit.take("a") for _time in range(3)] == [0.0, 0.0, 0.0]
    assert limit.take("a") == pytest.approx(1.0)
    clock.now += 0.5
    assert limit.take("a") == pytest.approx(0.5)
    clock.now += 0.5
    assert limit.take("a") == 0.0
    clock.now += 3600
    assert [limit.take("a") for _time in range(4)].count(0.0) == 3


def test_each_key_has_its_own() -> None:
    limit = RateLimit(1, 60, clock=Clock())
    assert limit.take("a") == 0.0
    assert limit.take("b") == 0.0
    assert limit.take("a") > 0


def test_memory_has_a_bound() -> None:
    limit = RateLimit(1, 60, keys=2, clock=Clock())
    for key in "abc":
        limit.take(key)
    assert limit.take("c") > 0
    assert limit.take("a") == 0.0


def test_a_header_says_when_to_come_again() -> None:
    assert retry_after(0.2) == {"Retry-After": "1"}
    assert retry_after(2.1) == {"Retry-After": "3"}
