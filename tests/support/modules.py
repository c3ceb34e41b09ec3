# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection as Ansible does: arguments in, one JSON answer out.

As a program it runs in a process of its own, which can be made to kill itself at any of its steps
on the system: that is how the fault tests kill a run at every point instead of at some moments.
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
from pathlib import Path
from typing import Any

from ansible.module_utils.testing import patch_module_args

MODULES = "ansible_collections.rampart.k8s.plugins.modules"


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


def run_killed(name: str, arguments: dict[str, Any], *, point: int, folder: Path) -> bool:
    """Run the module in a process that dies at its step number ``point``; whether it died."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, name, str(point), str(folder)],
        input=json.dumps(arguments),
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    if done.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(f"{name} ended with {done.returncode}")
    return done.returncode != 0


class Killer:
    """Counts what a process does to files below a folder and to other processes, and ends it."""

    ON_FILES = frozenset(("open", "os.rename", "os.mkdir", "os.chmod", "os.remove"))
    ON_OTHERS = frozenset(("subprocess.Popen", "socket.connect"))

    def __init__(self, point: int, folder: str) -> None:
        self._left = point
        self._folder = folder

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        on_file = event in self.ON_FILES and self._folder in str(arguments[0])
        if not on_file and event not in self.ON_OTHERS:
            return
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.addaudithook(Killer(int(sys.argv[2]), sys.argv[3]))
    print(json.dumps(call(sys.argv[1], json.load(sys.stdin))))
