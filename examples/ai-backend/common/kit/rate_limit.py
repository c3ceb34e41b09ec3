# SPDX-License-Identifier: GPL-3.0-or-later
"""A bucket of tokens per key: how much anybody may ask for at once, and how it refills."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable


class RateLimit:
    """At most ``capacity`` at once, refilled evenly with ``per_minute``."""

    def __init__(
        self,
        capacity: int,
        per_minute: float,
        *,
        keys: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = float(capacity)
        self._per_second = per_minute / 60.0
        self._keys = keys
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take a token; return 0, or the seconds until there is one."""
        now = self._clock()
        left, then = self._buckets.pop(key, (self._capacity, now))
        left = min(self._capacity, left + (now - then) * self._per_second)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._per_second
        self._buckets[key] = (left - 1.0 if wait == 0.0 else left, now)
        if len(self._buckets) > self._keys:
            # Who was not seen for longest has a full bucket again, or soon.
            self._buckets.popitem(last=False)
        return wait


def retry_after(seconds: float) -> dict[str, str]:
    """Say in a header when to come again."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
