# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection as Ansible does: arguments in, one JSON answer out.

As a program it runs in a process of its own, which can be made to kill itself at any of its steps:
that is how the fault tests kill a run at every point instead of at some moments. A step is what it
does to files below a folder, to other processes, to an API server, and each named failpoint.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.testing import patch_module_args
from ansible_collections.rampart.k8s.plugins.module_utils._core import failpoint

MODULES = "ansible_collections.rampart.k8s.plugins.modules"
PASSED = "failpoint: "


def call(name: str, arguments: dict[str, Any], *, check: bool = False, diff: bool = False) -> dict[str, Any]:
    """Return the module's answer, a failed one too."""
    module = importlib.import_module(f"{MODULES}.{name}")
    output = io.StringIO()
    switches = {"_ansible_check_mode": check, "_ansible_diff": diff}
    with (
        patch_module_args({**arguments, **switches}),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run in a process of its own ended."""

    killed: bool
    # None when it was killed.
    answer: dict[str, Any] | None
    # The named failpoints in the order in which they came, that of the kill included.
    passed: tuple[str, ...]


def run_apart(name: str, arguments: dict[str, Any], *, point: int | str | None, folder: Path) -> Ended:
    """Run the module in a process of its own, which dies at its step number ``point``.

    A text dies at the failpoint of that name, ``name#2`` when it comes the second time; None at none.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__, name, json.dumps(point), str(folder)],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    if done.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(f"{name} ended with {done.returncode}: {done.stderr[-2000:]}")
    lines = done.stderr.splitlines()
    passed = tuple(line.removeprefix(PASSED) for line in lines if line.startswith(PASSED))
    killed = done.returncode != 0
    return Ended(killed, None if killed else json.loads(done.stdout), passed)


def run_killed(name: str, arguments: dict[str, Any], *, point: int | str, folder: Path) -> bool:
    """Run the module in a process that dies at a step; whether it died."""
    return run_apart(name, arguments, point=point, folder=folder).killed


class Killer:
    """Counts the steps of a process, and ends it before one of them."""

    ON_FILES = frozenset(("open", "os.rename", "os.mkdir", "os.chmod", "os.remove"))
    ON_OTHERS = frozenset(("subprocess.Popen", "socket.connect"))
    WRITING = (b"POST ", b"PUT ", b"PATCH ", b"DELETE ")

    def __init__(self, point: int | str | None, folder: str) -> None:
        name, _mark, nth = point.partition("#") if isinstance(point, str) else ("", "", "")
        self._name = name
        self._left = point if isinstance(point, int) else int(nth or 1) - 1
        self._by_number = isinstance(point, int)
        self._folder = folder

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == failpoint.EVENT:
            os.write(sys.stderr.fileno(), f"{PASSED}{arguments[0]}\n".encode())
            if not self._by_number and arguments[0] != self._name:
                return
        elif not self._by_number or not self._counts(event, arguments):
            return
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _counts(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event in self.ON_FILES:
            return self._folder in str(arguments[0])
        if event == "http.client.send":
            return isinstance(arguments[1], bytes) and arguments[1].startswith(self.WRITING)
        return event in self.ON_OTHERS


if __name__ == "__main__":
    sys.addaudithook(Killer(json.loads(sys.argv[2]), sys.argv[3]))
    print(json.dumps(call(sys.argv[1], json.load(sys.stdin))))
