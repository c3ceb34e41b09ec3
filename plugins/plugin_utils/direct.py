# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs modules on this machine from where the collection is installed.

Ansible packs a module with everything that it imports, sends it, and has it compiled again, for every
task: most of what a task costs that finds nothing to do. A cluster is driven from the machine that
runs Ansible, where all of it lies compiled already. Everything else stays Ansible's own: the process
of its own, its environment, the arguments through its standard input, the way an answer is read.
That process is a new Python, or a fork of one that has imported already (module_server.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible.executor import module_common
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.plugins.action import ActionBase
from ansible_collections.rampart.k8s.plugins.plugin_utils.module_server import MODULES, ROOT

PROFILE = "legacy"
HERE = Path(__file__).parent
# What the kernel takes as the path of a socket, and as the first line of a program.
SOCKET_LENGTH, LINE_LENGTH = 107, 255
# The folder by which this run's modules are led to their server; the workers inherit it.
_led_by: list[Path] = []

# First of all nothing may be imported from the folder that somebody happens to be in.
PROGRAM = """\
import sys
sys.path[:] = [path for path in sys.path if path]
import runpy, types
from ansible.module_utils import basic
package = types.ModuleType("ansible_collections")
package.__path__ = [{root!r}]
sys.modules["ansible_collections"] = package
basic._ANSIBLE_ARGS = {arguments!r}
basic._ANSIBLE_PROFILE = {profile!r}
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


def program(name: str, arguments: dict[str, Any]) -> bytes:
    """Return what the interpreter is given to run a module of this collection."""
    encoder = get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
    text = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}, cls=encoder)
    return PROGRAM.format(
        root=str(ROOT), arguments=text.encode(), profile=PROFILE, module=f"{MODULES}.{name}"
    ).encode()


def start_server(folder: Path) -> subprocess.Popen[bytes] | None:
    """Start the server of modules for this run, in a folder that only its user may enter.

    Returns nothing where it cannot be led to from there.
    """
    client, path = folder / "client", folder / "socket"
    first = f"#!{sys.executable} -IS\n".encode()
    if len(os.fsencode(path)) > SOCKET_LENGTH or len(first) > LINE_LENGTH or first.count(b" ") > 1:
        return None
    folder.mkdir(mode=0o700)
    client.write_bytes(first + (HERE / "module_client.py").read_bytes())
    client.chmod(0o700)
    if not os.access(client, os.X_OK):
        # Nothing may be executed on this file system.
        return None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        number = listener.fileno()
        server = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "module_server.py"), str(number)],
            pass_fds=[number],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    _led_by.append(folder)
    return server


def interpreter(name: str) -> str:
    """Return what runs a module: who lets the server of modules become it, or this Python."""
    if not _led_by:
        return sys.executable
    link = _led_by[-1] / name
    with contextlib.suppress(FileExistsError):
        link.symlink_to("client")
    return str(link)


class DirectAction(ActionBase):  # type: ignore[misc]
    """Packs nothing when the module would run on this machine, as this user, in this Python."""

    def _configure_module(
        self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]
    ) -> tuple[Any, str]:
        namespace, _dot, name = module_name.rpartition(".")
        if namespace != "rampart.k8s" or not self._is_here(task_vars):
            packed: tuple[Any, str] = super()._configure_module(module_name, module_args, task_vars)
            return packed
        built = module_common._BuiltModule(
            b_module_data=program(name, module_args),
            module_style="new",
            shebang="#!" + (interpreter(name) if self._is_pipelining_enabled("new") else sys.executable),
            serialization_profile=PROFILE,
        )
        return built, str(ROOT / "rampart/k8s/plugins/modules" / f"{name}.py")

    def _is_here(self, task_vars: dict[str, Any]) -> bool:
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter") or "")
        return (
            self._connection.ansible_name == "ansible.builtin.local"
            and interpreter == sys.executable
            and not self._connection.become
            and not self._task.async_val
            and hasattr(module_common, "_BuiltModule")
        )
