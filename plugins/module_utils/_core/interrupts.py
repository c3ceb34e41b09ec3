# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A person's Ctrl-C and a scheduler's SIGTERM as an exception: what is held is let go of on the way out."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class Interrupted(BaseException):
    """Somebody wants this run to end. Like KeyboardInterrupt it is caught by nobody on the way."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(signal.Signals(number).name)


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Raise Interrupted in the main thread when a signal asks this process to end."""
    before = {number: signal.signal(number, _raise) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
