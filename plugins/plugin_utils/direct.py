# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs modules on this machine from where the collection is installed.

Ansible packs a module with everything that it imports, sends it, and has it compiled again, for every
task: most of what a task costs that finds nothing to do. A cluster is driven from the machine that
runs Ansible, where all of it lies compiled already. Everything else stays Ansible's own: the process
of its own, its environment, the arguments through its standard input, the way an answer is read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ansible.executor import module_common
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.plugins.action import ActionBase

# The folder of all collections, by the way in which this one was found.
ROOT = Path(__file__).parents[4]
COLLECTION = "ansible_collections.rampart.k8s.plugins.modules"
PROFILE = "legacy"

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
        root=str(ROOT), arguments=text.encode(), profile=PROFILE, module=f"{COLLECTION}.{name}"
    ).encode()


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
            shebang=f"#!{sys.executable}",
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
