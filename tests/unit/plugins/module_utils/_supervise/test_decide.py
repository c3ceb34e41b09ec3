# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.decide import (
    Running,
    decide_started,
    decide_stopped,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program

PROGRAM = Program("etcd", ("/bin/etcd",), {})
QUIET = Program("later", ("/bin/later",), {}, autostart=False)
PRINTS = {"etcd": {"definition": "1", "/f": "2"}, "later": {"definition": "1"}}


@pytest.mark.parametrize(
    ("running", "action", "reason"),
    [
        (None, "started", "supervisord does not know it yet"),
        (Running("RUNNING", 7, {"definition": "1", "/f": "2"}), "unchanged", "it runs with what it should"),
        (Running("STARTING", 7, {"definition": "1", "/f": "2"}), "unchanged", "it runs with what it should"),
        (Running("RUNNING", 7, {"definition": "0", "/f": "2"}), "restarted", "its definition changed"),
        (Running("RUNNING", 7, {"definition": "1", "/f": "0"}), "restarted", "/f, which it reads, changed"),
        (Running("STARTING", 7), "unchanged", "it is on its way up"),
        (Running("RUNNING", 7), "restarted", "its definition changed, /f, which it reads, changed"),
        (Running("BACKOFF"), "restarted", "it kept ending and waits for its next try"),
        (Running("FATAL"), "started", "it was FATAL"),
        (Running("STOPPED"), "started", "it was STOPPED"),
        (Running("EXITED"), "started", "it was EXITED"),
    ],
)
def test_each_state_has_its_action(running: Running | None, action: str, reason: str) -> None:
    known = {"etcd": running} if running else {}
    (step,) = decide_started([PROGRAM], PRINTS, known, broken="", orphans={})
    assert (step.action, step.reason) == (action, reason)


def test_without_a_supervisor_everything_starts() -> None:
    steps = decide_started([PROGRAM, QUIET], PRINTS, {}, broken="it is gone", orphans={})
    assert [(step.name, step.action) for step in steps] == [("etcd", "started"), ("later", "unchanged")]


def test_an_orphan_is_restarted() -> None:
    (step,) = decide_started([PROGRAM], PRINTS, {}, broken="it is gone", orphans={"etcd": 7})
    assert (step.action, step.reason) == ("restarted", "it is gone")


@pytest.mark.parametrize("state", ["STOPPED", "EXITED", "FATAL", "BACKOFF"])
def test_what_starts_on_request_is_left_alone(state: str) -> None:
    (step,) = decide_started([QUIET], PRINTS, {"later": Running(state)}, broken="", orphans={})
    assert step.action == "unchanged"


def test_what_is_not_wanted_stops() -> None:
    running = {"etcd": Running("RUNNING", 7, PRINTS["etcd"]), "old": Running("RUNNING", 8)}
    steps = decide_started([PROGRAM], PRINTS, running, broken="", orphans={"older": 9})
    assert [(step.name, step.action) for step in steps] == [
        ("etcd", "unchanged"),
        ("old", "stopped"),
        ("older", "stopped"),
    ]


def test_stopping_ends_whatever_lives() -> None:
    running = {"a": Running("RUNNING", 7), "b": Running("STOPPED"), "c": Running("BACKOFF")}
    steps = decide_stopped(running, {"d": 9})
    assert [(step.name, step.action) for step in steps] == [
        ("a", "stopped"),
        ("b", "unchanged"),
        ("c", "stopped"),
        ("d", "stopped"),
    ]
