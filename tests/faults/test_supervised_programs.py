# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real supervisord with real programs: what is killed, stopped or left behind is healed by the next run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._supervise import rpc
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import (
    Handle,
    all_processes,
    read_process,
)
from ansible_collections.rampart.k8s.tests.support.modules import call, run_killed
from ansible_collections.rampart.k8s.tests.support.supervised import (
    PARENT,
    kill,
    marked,
    outcome,
    pids,
    programs,
    sleeping,
    supervisor_pid,
    until,
)


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a short path (sockets need one) and leave no process of it behind."""
    with tempfile.TemporaryDirectory(prefix="rs-") as folder:
        path = Path(os.path.realpath(folder))
        yield path
        for process in marked(path):
            handle = Handle(process)
            handle.send(signal.SIGKILL)
            handle.wait(10)
            handle.close()


def test_check_do_check_do(home: Path) -> None:
    wanted = programs(home)
    predicted = call("supervised_programs", wanted, check=True)
    assert outcome(predicted) == {"reader": "started", "other": "started"}
    assert not (home / "s").exists()

    done = call("supervised_programs", wanted)
    assert outcome(done) == outcome(predicted)
    assert {entry["state"] for entry in done["programs"]} == {"RUNNING"}
    for mode, path in ((0o700, "s"), (0o600, "s/supervisord.conf"), (0o600, "s/logs/reader.log")):
        assert (home / path).stat().st_mode & 0o777 == mode

    before = sorted((path, path.stat().st_mtime_ns) for path in (home / "s").rglob("*.conf"))
    for check in (True, False):
        again = call("supervised_programs", wanted, check=check)
        assert not again["changed"]
        assert pids(again) == pids(done)
    assert sorted((path, path.stat().st_mtime_ns) for path in (home / "s").rglob("*.conf")) == before


def test_supervisord_lives_in_its_own_session(home: Path) -> None:
    call("supervised_programs", programs(home))
    pid = supervisor_pid(home)
    assert os.getsid(pid) != os.getsid(0)
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    targets = {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    assert {target for target in targets if target.startswith("/")} <= {
        "/dev/null",
        str(home / "s/supervisord.log"),
        str(home / "s/logs/reader.log"),
        str(home / "s/logs/other.log"),
    }


def test_only_what_changed_restarts(home: Path) -> None:
    wanted = programs(home)
    first = pids(call("supervised_programs", wanted))
    (home / "read.conf").write_text("second")
    assert outcome(call("supervised_programs", wanted, check=True)) == {
        "reader": "restarted",
        "other": "unchanged",
    }
    done = call("supervised_programs", wanted)
    assert outcome(done) == {"reader": "restarted", "other": "unchanged"}
    assert f"{home}/read.conf, which it reads, changed" in done["reason"]
    assert pids(done)["other"] == first["other"]
    assert pids(done)["reader"] != first["reader"]

    wanted["programs"][1]["argv"] = ["/bin/sleep", "700"]
    assert outcome(call("supervised_programs", wanted)) == {"reader": "unchanged", "other": "restarted"}
    assert not call("supervised_programs", wanted)["changed"]


def test_programs_come_and_go(home: Path) -> None:
    first = call("supervised_programs", programs(home, "a", "b"))
    gone = pids(first)["b"]
    done = call("supervised_programs", programs(home, "a"))
    assert outcome(done) == {"a": "unchanged", "b": "stopped"}
    assert read_process(gone) is None
    assert outcome(call("supervised_programs", programs(home, "a", "b"))) == {
        "a": "unchanged",
        "b": "started",
    }


def test_a_killed_supervisord_is_healed(home: Path) -> None:
    wanted = programs(home)
    first = pids(call("supervised_programs", wanted))
    kill(supervisor_pid(home))
    assert all(read_process(pid) for pid in first.values())
    predicted = call("supervised_programs", wanted, check=True)
    assert outcome(predicted) == {"reader": "restarted", "other": "restarted"}
    done = call("supervised_programs", wanted)
    assert "supervisord was killed" in done["reason"]
    assert not any(read_process(pid) for pid in first.values())
    assert not call("supervised_programs", wanted)["changed"]
    assert len(sleeping(home)) == 2


def test_children_of_a_program_outlive_it(home: Path) -> None:
    """As containerd's shims must: they carry the same marks."""
    script = home / "parent"
    script.write_text(PARENT)
    script.chmod(0o755)
    wanted = {
        "directory": str(home / "s"),
        "programs": [{"name": "parent", "argv": [str(script), str(home / "child")], "start_seconds": 0}],
    }
    call("supervised_programs", wanted)
    until(lambda: (home / "child").exists() and (home / "child").read_text().strip() != "")
    child = int((home / "child").read_text())
    kill(supervisor_pid(home))
    assert outcome(call("supervised_programs", wanted)) == {"parent": "restarted"}
    assert read_process(child) is not None


def test_everything_killed_is_started_again(home: Path) -> None:
    wanted = programs(home)
    first = pids(call("supervised_programs", wanted))
    for pid in (supervisor_pid(home), *first.values()):
        kill(pid)
    assert (home / "s/supervisor.sock").exists()
    assert outcome(call("supervised_programs", wanted)) == {"reader": "started", "other": "started"}


def test_a_killed_program_is_started_by_supervisord(home: Path) -> None:
    wanted = programs(home)
    first = pids(call("supervised_programs", wanted))
    kill(first["reader"])
    supervisor = rpc.Supervisor(home / "s/supervisor.sock")
    until(lambda: supervisor.programs()["reader"]["pid"] not in (0, first["reader"]))
    assert not call("supervised_programs", wanted)["changed"]


def test_a_supervisord_that_hangs_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = programs(home)
    call("supervised_programs", wanted)
    old = supervisor_pid(home)
    kill(old, signal.SIGSTOP)
    monkeypatch.setattr(rpc.Supervisor.__init__, "__kwdefaults__", {"timeout": 0.5})
    done = call("supervised_programs", wanted)
    assert "supervisord does not answer" in done["reason"]
    assert read_process(old) is None
    assert not call("supervised_programs", wanted)["changed"]


def test_a_lost_socket_is_healed(home: Path) -> None:
    wanted = programs(home)
    call("supervised_programs", wanted)
    (home / "s/supervisor.sock").unlink()
    assert set(outcome(call("supervised_programs", wanted)).values()) <= {"started", "restarted"}
    assert not call("supervised_programs", wanted)["changed"]
    assert len(sleeping(home)) == 2


def test_a_stopped_program_is_started_again(home: Path) -> None:
    wanted = programs(home)
    call("supervised_programs", wanted)
    supervisor = rpc.Supervisor(home / "s/supervisor.sock")
    supervisor.stop("reader")
    until(lambda: bool(supervisor.programs()["reader"]["statename"] == "STOPPED"))
    assert outcome(call("supervised_programs", wanted)) == {"reader": "started", "other": "unchanged"}


def test_other_log_limits_take_a_new_supervisord(home: Path) -> None:
    wanted = programs(home)
    call("supervised_programs", wanted)
    done = call("supervised_programs", {**wanted, "log_backups": 1})
    assert "supervisord runs with other settings" in done["reason"]
    assert not call("supervised_programs", {**wanted, "log_backups": 1})["changed"]


def test_logs_are_rotated_and_private(home: Path) -> None:
    wanted = {
        "directory": str(home / "s"),
        "log_max_bytes": 1000,
        "log_backups": 2,
        "programs": [{"name": "loud", "argv": ["/usr/bin/yes", "a line"], "start_seconds": 0}],
    }
    call("supervised_programs", wanted)
    until(lambda: len(list((home / "s/logs").iterdir())) == 3)
    for log in (home / "s/logs").glob("*"):
        # A rotation may take the name away between the two looks.
        if log.exists():
            assert log.stat().st_mode & 0o777 == 0o600


def test_a_program_that_does_not_stay_fails_with_its_last_words(home: Path) -> None:
    secret = home / "token"
    secret.write_text("token: canary-5a1d-of-the-cluster\n")
    secret.chmod(0o600)
    wanted = {
        "directory": str(home / "s"),
        "failures_allowed": 1,
        "programs": [
            {"name": "bad", "argv": ["/bin/sh", "-c", f"cat {secret} >&2; exit 3"], "reads": [str(secret)]}
        ],
    }
    answer = call("supervised_programs", wanted)
    assert answer["failed"]
    assert "The program bad ended 2 times" in answer["msg"]
    assert answer["log_tail"]
    assert "canary" not in json.dumps(answer)
    assert call("supervised_programs", wanted, check=True)["programs"][0]["action"] == "restarted"
    wanted["programs"] = [{"name": "bad", "argv": ["/bin/sleep", "600"], "start_seconds": 0}]
    assert outcome(call("supervised_programs", wanted)) == {"bad": "restarted"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"argv": ["/nonexistent/program"]}, "does not exist or cannot be run"),
        ({"reads": ["/nonexistent/file"]}, "does not exist"),
    ],
)
def test_what_is_missing_is_predicted_as_a_start_and_refused(
    home: Path, change: dict[str, Any], message: str
) -> None:
    wanted = programs(home, "a")
    wanted["programs"][0].update(change)
    assert outcome(call("supervised_programs", wanted, check=True)) == {"a": "started"}
    answer = call("supervised_programs", wanted)
    assert answer["failed"]
    assert message in answer["msg"]
    assert marked(home) == []


def test_stopping_goes_backwards_and_ends_everything(home: Path) -> None:
    book = home / "book"
    wanted: dict[str, Any] = {"directory": str(home / "s"), "programs": []}
    for name, priority in (("b", 200), ("a", 100), ("c", 300)):
        script = home / name
        script.write_text(
            f"#!/bin/sh\ntrap 'echo {name} >> {book}; exit' TERM\nwhile :; do sleep 0.1; done\n"
        )
        script.chmod(0o755)
        wanted["programs"].append({"name": name, "argv": [str(script)], "priority": priority})
    call("supervised_programs", wanted)
    stopped = {"directory": wanted["directory"], "state": "stopped"}
    assert call("supervised_programs", stopped, check=True)["changed"]
    assert len(marked(home)) >= 4
    assert outcome(call("supervised_programs", stopped)) == {"a": "stopped", "b": "stopped", "c": "stopped"}
    assert book.read_text().split() == ["c", "b", "a"]
    assert not [one for one in marked(home) if one.argv[0] != "sleep"]
    assert not call("supervised_programs", stopped)["changed"]
    assert (home / "s/supervisord.conf").exists()
    assert outcome(call("supervised_programs", wanted)) == {"a": "started", "b": "started", "c": "started"}


@pytest.mark.parametrize("killed", [False, True])
def test_absent_leaves_nothing_of_its_own(home: Path, killed: bool) -> None:
    call("supervised_programs", programs(home))
    if killed:
        kill(supervisor_pid(home))
    foreign = home / "s/foreign"
    foreign.write_text("mine")
    absent = {"directory": str(home / "s"), "state": "absent"}
    predicted = call("supervised_programs", absent, check=True)
    assert predicted["changed"]
    assert outcome(call("supervised_programs", absent)) == outcome(predicted)
    assert marked(home) == []
    assert [path.name for path in (home / "s").iterdir()] == ["foreign"]
    assert not call("supervised_programs", absent)["changed"]
    foreign.unlink()
    (home / "s").rmdir()
    assert not call("supervised_programs", absent)["changed"]


def test_two_directories_never_touch_each_other(home: Path) -> None:
    for name in ("one", "two"):
        (home / name).mkdir()
    one, two = programs(home / "one"), programs(home / "two")
    call("supervised_programs", one)
    kept = pids(call("supervised_programs", two))
    kill(supervisor_pid(home / "one"))
    call("supervised_programs", one)
    call("supervised_programs", {"directory": one["directory"], "state": "absent"})
    again = call("supervised_programs", two)
    assert not again["changed"]
    assert pids(again) == kept


def test_a_second_run_is_told_of_the_first(home: Path) -> None:
    wanted = programs(home)
    (home / "s").mkdir()
    holder = subprocess.Popen(
        ["flock", str(home / "s"), "-c", "echo held; exec sleep 600"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        answer = call("supervised_programs", wanted)
        assert answer["failed"]
        assert "Another run is working" in answer["msg"]
    finally:
        for process in all_processes().values():
            if process.parent == holder.pid:
                os.kill(process.pid, signal.SIGKILL)
        holder.wait()


@pytest.mark.parametrize("begin", ["empty", "running", "orphans"])
def test_a_run_killed_at_any_point_is_finished_by_the_next(home: Path, begin: str) -> None:
    wanted = programs(home, "a", "b")
    point = 0
    killed = True
    while killed:
        if begin == "empty":
            call("supervised_programs", {"directory": wanted["directory"], "state": "absent"})
        else:
            call("supervised_programs", wanted)
            wanted["programs"][0]["argv"] = ["/bin/sleep", f"7{point:02}"]
        if begin == "orphans":
            kill(supervisor_pid(home))
        killed = run_killed("supervised_programs", {**wanted, "wait": False}, point=point, folder=home)
        healed = call("supervised_programs", wanted)
        outcome(healed)
        assert {entry["state"] for entry in healed["programs"]} == {"RUNNING"}
        assert not call("supervised_programs", wanted)["changed"]
        assert sleeping(home) == sorted(tuple(program["argv"]) for program in wanted["programs"])
        point += 1
    assert point > 10
