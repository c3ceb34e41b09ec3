# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""When each phase of an incident began, and for how many seconds it lasted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import now


class Timeline:
    """The phases of one run, in their order."""

    def __init__(self) -> None:
        self.phases: list[dict[str, Any]] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase, also one that fails."""
        began, since = now(), time.monotonic()
        try:
            yield
        finally:
            self.phases.append({"phase": name, "began": began, "seconds": round(time.monotonic() - since, 2)})
