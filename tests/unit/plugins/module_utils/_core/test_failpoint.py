# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import EVENT, failpoint
from ansible_collections.rampart.k8s.tests.support.modules import Killer

# What a run does, in order; a GET is no step.
RUN: list[tuple[str, tuple[Any, ...]]] = [
    (EVENT, ("first",)),
    (EVENT, ("again",)),
    ("open", ("/folder/file", "w")),
    ("open", ("/elsewhere/file", "w")),
    ("http.client.send", (None, b"GET / HTTP/1.1")),
    ("http.client.send", (None, b"PATCH / HTTP/1.1")),
    (EVENT, ("again",)),
]


class DiedError(BaseException):
    """Stands for the kill."""


@pytest.mark.parametrize(
    ("point", "at"),
    [
        (None, None),
        ("never", None),
        ("first", 0),
        ("again", 1),
        ("again#2", 6),
        (0, 0),
        (2, 2),
        (3, 5),
        (4, 6),
        (5, None),
    ],
)
def test_a_run_dies_before_the_step_that_was_asked_for(
    point: int | str | None, at: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_unused: int) -> None:
        raise DiedError

    monkeypatch.setattr(os, "kill", die)
    killer = Killer(point, "/folder")
    died = None
    for place, event in enumerate(RUN):
        try:
            killer(*event)
        except DiedError:
            died = place
            break
    assert died == at


def test_a_name_reaches_whoever_listens() -> None:
    heard = []
    listening = True

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == EVENT:
            heard.append(arguments)

    # A hook cannot be taken away again, so it is told to be deaf.
    sys.addaudithook(listen)
    failpoint("promote")
    listening = False
    failpoint("retire")
    assert heard == [("promote",)]
