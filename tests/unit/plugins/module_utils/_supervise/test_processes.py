# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import (
    Handle,
    Process,
    all_processes,
    end,
    orphans,
    read_process,
    supervisors,
)

HOME = Path("/var/lib/x")
MARKS = {
    "RAMPART_PROGRAM": "/var/lib/x/etcd",
    "RAMPART_EXECUTABLE": "/bin/etcd",
    "RAMPART_STOP": "100 INT 7",
}


def process(pid: int, parent: int, *argv: str, **marks: str) -> Process:
    return Process(pid, parent, argv, {**MARKS, **marks})


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("/bin/etcd", "--x"), True),
        (("/bin/sh", "/bin/etcd"), True),
        (("/bin/sh", "-e", "/bin/etcd", "--x"), True),
        (("/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-id", "/bin/etcd"), False),
        ((), False),
    ],
)
def test_a_child_with_inherited_marks_is_no_program(argv: tuple[str, ...], expected: bool) -> None:
    assert process(1, 0, *argv).belongs_to(HOME) is expected


@pytest.mark.parametrize("directory", ["/var/lib/x/etcd", "/var/lib", "/var/lib/xy", "/var/lib/x/"])
def test_another_directory_is_another_instance(directory: str) -> None:
    found = process(1, 0, "/bin/etcd", RAMPART_PROGRAM=f"{directory.rstrip('/')}/sub/etcd")
    assert not found.belongs_to(HOME)


def test_only_processes_without_care_are_orphans() -> None:
    known = {
        10: process(10, 1, "/bin/etcd"),
        11: process(11, 10, "/bin/etcd"),
        20: process(20, 1, "/bin/etcd"),
        30: Process(30, 1, ("/bin/etcd",), {}),
    }
    assert [found.pid for found in orphans(known, HOME, [10])] == [20]
    assert [found.pid for found in orphans(known, HOME, [])] == [10, 11, 20]


def test_a_ring_of_parents_ends() -> None:
    known = {10: process(10, 11, "/bin/etcd"), 11: process(11, 10, "/bin/x")}
    assert [found.pid for found in orphans(known, HOME, [99])] == [10]


def test_a_supervisor_is_known_by_its_configuration() -> None:
    tail = ("-m", "supervisor.supervisord", "-c")
    known = {
        1: Process(1, 0, ("/v/python", *tail, "/var/lib/x/supervisord.conf"), {}),
        2: Process(2, 0, ("/v/python", *tail, "/var/lib/y/supervisord.conf"), {}),
    }
    assert [found.pid for found in supervisors(known, HOME / "supervisord.conf")] == [1]


@pytest.mark.parametrize("text", ["", "x", "1 TERM", "1 TERM x", "1 TERM 2 3"])
def test_unreadable_stop_marks_get_the_usual_treatment(text: str) -> None:
    assert process(1, 0, "/bin/etcd", RAMPART_STOP=text).stop == (500, "TERM", 10)


def test_stop_marks_are_read() -> None:
    assert process(1, 0, "/bin/etcd").stop == (100, "INT", 7)


Starter = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Start real processes that say when they are ready, and end what a test leaves."""
    children: list[subprocess.Popen[str]] = []

    def starter(code: str, **marks: str) -> Process:
        child = subprocess.Popen(
            [sys.executable, "-c", f"{code}\nprint('ready', flush=True)\nimport time; time.sleep(600)"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **MARKS, **marks},
            start_new_session=True,
        )
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        found = read_process(child.pid)
        assert found is not None
        return found

    yield starter
    for child in children:
        child.kill()
        child.wait()


def test_a_process_is_read_with_its_marks(start: Starter) -> None:
    found = start("")
    assert (found.program, found.parent) == ("etcd", os.getpid())
    assert all_processes()[found.pid] == found


def test_processes_end_in_descending_order_of_priority(start: Starter, tmp_path: Path) -> None:
    code = "import signal, sys; signal.signal(15, lambda *_: (open({!r}, 'a').write({!r}), sys.exit()))"
    book = str(tmp_path / "book")
    found = [
        start(code.format(book, name), RAMPART_STOP=f"{priority} TERM 5")
        for name, priority in (("b", 200), ("a", 100), ("c", 300))
    ]
    end(found)
    assert Path(book).read_text() == "cba"
    assert all(Handle(one).wait(0) for one in found)


def test_what_does_not_listen_is_killed_after_its_patience(start: Starter) -> None:
    deaf = start("import signal; signal.signal(15, signal.SIG_IGN)", RAMPART_STOP="1 TERM 1")
    started = time.monotonic()
    end([deaf])
    assert 1 <= time.monotonic() - started < 5
    assert Handle(deaf).wait(0)


def test_a_number_that_went_to_another_process_is_not_signalled(start: Starter) -> None:
    alive = start("")
    handle = Handle(Process(alive.pid, 1, ("/bin/what-was-there-before",), MARKS))
    handle.send(signal.SIGKILL)
    handle.kill_group()
    assert not Handle(alive).wait(0.2)


def test_a_process_that_is_gone_counts_as_ended(start: Starter) -> None:
    gone = start("")
    end([gone])
    end([gone])
    assert Handle(gone).wait(0)
