# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs for a supervisord to run, and a look at the processes that came of them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import (
    Handle,
    Process,
    all_processes,
    read_process,
)

# A program of many lines, so that it is more than a command: it keeps a child as containerd keeps shims.
PARENT = """#!/bin/sh
sleep 600 &
echo $! > "$1"
wait
"""


# A program that writes down that it was asked to end.
TALKER = """#!/bin/sh
trap 'echo {}; exit' TERM
while :; do sleep 0.1; done
"""


def marked(folder: Path) -> list[Process]:
    """Find whatever runs with this folder in its marks or in its command line."""
    return [
        process
        for process in all_processes().values()
        if str(folder) in process.environment.get("RAMPART_PROGRAM", "")
        or any(str(folder) in argument for argument in process.argv)
    ]


def sleeping(folder: Path) -> list[tuple[str, ...]]:
    return sorted(process.argv for process in marked(folder) if process.argv[0] == "/bin/sleep")


def programs(home: Path, *names: str) -> dict[str, Any]:
    read = home / "read.conf"
    if not read.exists():
        read.write_text("first")
    return {
        "directory": str(home / "s"),
        "programs": [
            {
                "name": name,
                "argv": ["/bin/sleep", f"60{number}"],
                "priority": 100 + number,
                "start_seconds": 0,
                "reads": [str(read)] if name == "reader" else [],
            }
            for number, name in enumerate(names or ("reader", "other"))
        ],
    }


def outcome(answer: dict[str, Any]) -> dict[str, str]:
    assert not answer.get("failed"), answer["msg"]
    return {entry["name"]: entry["action"] for entry in answer["programs"]}


def pids(answer: dict[str, Any]) -> dict[str, int]:
    return {entry["name"]: entry["pid"] for entry in answer["programs"]}


def supervisor_pid(home: Path) -> int:
    return int((home / "s/supervisord.pid").read_text())


def kill(pid: int, sign: signal.Signals = signal.SIGKILL) -> None:
    found = read_process(pid)
    assert found is not None
    handle = Handle(found)
    handle.send(sign)
    if sign == signal.SIGKILL:
        assert handle.wait(10)
    handle.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
