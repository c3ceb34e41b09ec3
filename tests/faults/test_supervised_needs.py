# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real supervisord with programs that need each other, and with one that runs as another user."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import Handle
from ansible_collections.rampart.k8s.tests.support.modules import call
from ansible_collections.rampart.k8s.tests.support.supervised import marked


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


def test_a_program_waits_for_whom_it_needs(home: Path) -> None:
    """The one that opens the socket takes its time; the other would fail without it."""
    place = home / "socket"
    server = home / "server.py"
    server.write_text(
        "import socket, sys, time\n"
        "time.sleep(1.5)\n"
        "found = socket.socket(socket.AF_UNIX)\n"
        "found.bind(sys.argv[1])\n"
        "found.listen()\n"
        "time.sleep(600)\n"
    )
    client = home / "client.sh"
    client.write_text('#!/bin/sh\n[ -S "$1" ] || exit 1\nexec 3<"$0"; while :; do sleep 1; done\n')
    client.chmod(0o755)
    wanted: dict[str, Any] = {
        "directory": str(home / "s"),
        "programs": [
            {"name": "server", "argv": [sys.executable, str(server), str(place)]},
            {"name": "client", "argv": [str(client), str(place)], "after": [str(place)]},
        ],
        "failures_allowed": 0,
    }
    done = call("supervised_programs", wanted)
    assert not done.get("failed"), done.get("msg")
    assert {entry["state"] for entry in done["programs"]} == {"RUNNING"}
    assert not call("supervised_programs", wanted)["changed"]

    # A run that starts it waits until it answers, not only until it runs.
    wanted["programs"][0] |= {"answers": str(place), "environment": {"A": "0"}}
    place.unlink()
    assert call("supervised_programs", wanted)["changed"]
    assert place.exists()

    # One that waits for nobody who comes is named with whom it waits for.
    place.unlink()
    handle = Handle(next(process for process in marked(home) if str(server) in process.argv))
    handle.send(signal.SIGSTOP)
    del wanted["programs"][0]["answers"]
    wanted["programs"][1]["environment"] = {"A": "1"}
    answer = call("supervised_programs", {**wanted, "wait_timeout": 2})
    handle.send(signal.SIGCONT)
    assert f"client waits for {place}, without an answer" in answer["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="another user needs root")
def test_a_program_runs_as_its_own_user_on_data_that_was_anothers(home: Path) -> None:
    home.chmod(0o711)
    data = home / "data"
    data.mkdir()
    (data / "old").write_text("of an earlier life, as root")
    program = home / "writer.sh"
    program.write_text('#!/bin/sh\necho new >>"$1/old" || exit 1\nwhile :; do sleep 1; done\n')
    program.chmod(0o755)
    wanted = {
        "directory": str(home / "s"),
        "programs": [
            {"name": "writer", "argv": [str(program), str(data)], "user": "nobody", "owns": [str(data)]}
        ],
    }
    done = call("supervised_programs", wanted)
    assert not done.get("failed"), done.get("msg")
    pid = done["programs"][0]["pid"]
    assert Path(f"/proc/{pid}").stat().st_uid == data.stat().st_uid != 0
    assert (data / "old").read_text().endswith("new\n")
    assert home.stat().st_mode & 0o777 == 0o711
    assert not call("supervised_programs", wanted)["changed"]
