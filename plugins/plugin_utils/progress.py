# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Shows what a long-running module says while it works; the base of the action plugins."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ansible.utils.display import Display
from ansible_collections.rampart.k8s.plugins.plugin_utils.direct import DirectAction

# How often a new line is looked for. It is for a person to read; nothing waits for it.
LOOK_SECONDS = 0.3


def show_new_lines(stream: IO[str], show: Callable[[str], None], rest: str = "") -> str:
    """Show the whole lines that were added; return the beginning of an unfinished one."""
    *lines, rest = (rest + stream.read()).split("\n")
    for line in lines:
        show(line)
    return rest


@contextmanager
def following(path: Path, show: Callable[[str], None]) -> Iterator[None]:
    """Show the lines that are appended to a file for as long as the body runs, and what is left then."""
    ended = threading.Event()

    def follow() -> None:
        with path.open(encoding="utf-8", errors="replace") as stream:
            rest = ""
            while not ended.wait(LOOK_SECONDS):
                rest = show_new_lines(stream, show, rest)
            show_new_lines(stream, show, rest)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class ProgressAction(DirectAction):
    """Runs the module of the same name and shows its progress lines.

    The module appends to a file on its own machine. The file can be followed here only when that
    is this machine and the module runs as the same user or as root; otherwise it runs unwatched.
    """

    TRANSFERS_FILES = False
    _requires_connection = True
    # Like every module; nobody watches then.
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        if not self._can_follow():
            return result | self._module(task_vars, {})
        with tempfile.TemporaryDirectory(prefix="rampart-progress-") as folder:
            path = Path(folder) / "lines"
            path.touch(mode=0o600)
            name = self._task.action.rpartition(".")[2]
            with following(path, lambda line: Display().display(f"  {name} {line}")):
                return result | self._module(task_vars, {"_progress_file": str(path)})

    def _can_follow(self) -> bool:
        local = getattr(
            self._connection, "transport", ""
        ) == "local" or self._connection.ansible_name.endswith("local")
        become_user = self._connection.become and self._connection.become.get_option("become_user")
        return local and become_user in (None, False, "", "root") and not self._task.async_val

    def _module(self, task_vars: dict[str, Any] | None, extra: dict[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name=self._task.action,
            module_args={**self._task.args, **extra},
            task_vars=task_vars,
            wrap_async=self._task.async_val,
        )
        invocation = answer.get("invocation")
        if isinstance(invocation, dict) and isinstance(invocation.get("module_args"), dict):
            invocation["module_args"].pop("_progress_file", None)
        return answer
