# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at the named failpoints of a run in this process, and raises there what a test likes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import EVENT

Observer = Callable[[str], None]

# An audit hook stays for the life of a process: there is one, and it asks whoever looks now.
_looking: list[Observer] = []
_installed: list[bool] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == EVENT and _looking:
        _looking[-1](str(arguments[0]))


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Have an observer called with the name of each failpoint; what it raises is raised there."""
    if not _installed:
        sys.addaudithook(_hook)
        _installed.append(True)
    _looking.append(observer)
    try:
        yield
    finally:
        _looking.remove(observer)
