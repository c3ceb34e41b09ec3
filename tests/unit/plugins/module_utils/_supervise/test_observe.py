# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is seen of a supervisord that has just forked and whose child is not the program yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._supervise import observe as subject
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.config import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import Process


def answer(monkeypatch: pytest.MonkeyPatch, layout: Layout, *children: Process) -> subject.Observed:
    """Look at a supervisord with the number 10 that cares for one program with the number 11."""
    argv = ("/v/python", "-m", "supervisor.supervisord", "-c", str(layout.config))
    found = [Process(10, 1, argv, {subject.MARK_HEAD: "head"}), *children]
    info: dict[str, Any] = {"pid": 11, "statename": "RUNNING"}
    layout.socket.touch()
    monkeypatch.setattr(f"{subject.__name__}.Supervisor.pid", lambda self: 10)
    monkeypatch.setattr(f"{subject.__name__}.Supervisor.programs", lambda self: {"etcd": info})
    monkeypatch.setattr(subject, "all_processes", lambda: {process.pid: process for process in found})
    return subject.observe(layout)


def test_a_child_that_is_not_the_program_yet_is_no_second_supervisord(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    layout = Layout(tmp_path)
    argv = ("/v/python", "-m", "supervisor.supervisord", "-c", str(layout.config))
    observed = answer(monkeypatch, layout, Process(11, 10, argv, {}))
    assert observed.answers
    assert observed.head == "head"
    assert (observed.running["etcd"].state, observed.running["etcd"].fingerprint) == ("STARTING", {})


def test_a_second_supervisord_is_one_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    argv = ("/v/python", "-m", "supervisor.supervisord", "-c", str(layout.config))
    observed = answer(monkeypatch, layout, Process(20, 1, argv, {}))
    assert not observed.answers
    assert [process.pid for process in observed.supervisors] == [10, 20]


def test_the_fingerprint_is_the_processes_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = Process(11, 10, ("/bin/etcd",), {"RAMPART_FINGERPRINT": "definition=1,/f=2"})
    running = answer(monkeypatch, Layout(tmp_path), program).running["etcd"]
    assert (running.state, running.fingerprint) == ("RUNNING", {"definition": "1", "/f": "2"})
