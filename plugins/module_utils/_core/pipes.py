# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Moves what is too large to be held between a tool and this process, piece by piece."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import IO

CHUNK = 1024 * 1024

# What a tool says of itself while it writes; the end of it is kept.
LONGEST_SAYING = 64 * 1024

# Ends a child with all that it started.
End = Callable[[subprocess.Popen[str]], None]


class Feeder:
    """Writes pieces to a child's standard input while somebody else reads its output."""

    def __init__(
        self,
        child: subprocess.Popen[str],
        pieces: Iterator[bytes],
        end: End,
    ) -> None:
        if child.stdin is None:
            raise ValueError("the child reads from no pipe")
        # It is closed here, not by whoever waits for the child.
        self._stream = _taken(child.stdin, "wb")
        child.stdin = None
        self._child = child
        self._pieces = pieces
        self._end = end
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end and raise what the making of a piece raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _feed(self) -> None:
        # A child that ends early says itself why.
        with contextlib.suppress(BrokenPipeError), self._stream:
            try:
                for piece in self._pieces:
                    self._stream.write(piece)
            except BrokenPipeError:
                raise
            except BaseException as error:
                self._error = error
                # Before its input ends: a part must not look like a whole.
                self._end(self._child)
            finally:
                close = getattr(self._pieces, "close", None)
                if close:
                    close()


def drained(child: subprocess.Popen[str], limit: float, end: End) -> Generator[bytes, None, str]:
    """Yield a child's output as it comes, and return what it said on standard error.

    Raises TimeoutError when the child takes longer than the limit, the reader's own time included.
    """
    if child.stdout is None or child.stderr is None:
        raise ValueError("the child writes to no pipe")
    stdout = _taken(child.stdout, "rb")
    said: list[str] = []
    listener = threading.Thread(target=_listen, args=(child.stderr, said), daemon=True)
    listener.start()
    deadline = time.monotonic() + limit
    alarm = threading.Timer(limit, end, [child])
    alarm.daemon = True
    alarm.start()
    try:
        with stdout:
            while piece := stdout.read(CHUNK):
                yield piece
        child.wait()
    finally:
        alarm.cancel()
    if time.monotonic() >= deadline:
        raise TimeoutError
    listener.join()
    return "".join(said)


def _taken(stream: IO[str], mode: str) -> IO[bytes]:
    """Take a pipe over as bytes."""
    taken = os.fdopen(os.dup(stream.fileno()), mode)
    stream.close()
    return taken


def _listen(stream: IO[str], said: list[str]) -> None:
    with stream:
        for line in stream:
            said.append(line)
            while sum(map(len, said)) > LONGEST_SAYING:
                said.pop(0)
