# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lines that the person at the terminal sees while a module is still working.

A module cannot print: its standard output is its answer. It appends lines to a file named by its
hidden option ``_progress_file``, and the action plugin of the same name shows them as they come.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path


class Progress:
    """A place to say what is going on; without a reader it costs nothing."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._lock = threading.Lock()
        self._started = time.monotonic()

    def say(self, line: str) -> None:
        """Show one line, with the seconds since the module started."""
        if self._path is None:
            return
        with self._lock, self._path.open("a", encoding="utf-8") as stream:
            stream.write(f"{time.monotonic() - self._started:6.1f} s  {line}\n")
