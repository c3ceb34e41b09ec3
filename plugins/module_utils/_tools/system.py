# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Programs that are on this machine already, and the versions that programs say."""

from __future__ import annotations

import os
import re
import shlex
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools.decide import Answer
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import Tool
from ansible_collections.rampart.k8s.plugins.module_utils._tools.memory import Memory
from ansible_collections.rampart.k8s.plugins.module_utils._tools.version import SAID, accepts

# Node programs lie here on Debian; a user's PATH often lacks these folders.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")

_ASK_TIMEOUT = 20.0


def said_version(program: Path, arguments: tuple[str, ...], memory: Memory) -> str:
    """Return the version that a program says; empty when it says none or does not run."""
    question = shlex.join(arguments)
    known = memory.said(program, question)
    if known is not None:
        return known
    try:
        # Some programs lay out a folder of their own in the home, only to say their version.
        with tempfile.TemporaryDirectory(prefix="rampart-ask-") as home:
            asked = Cli(str(program), timeout=_ASK_TIMEOUT, environment={"HOME": home})
            done = asked.run(*arguments)
        found = re.search(SAID, done.stdout) or re.search(SAID, done.stderr)
    except RampartError:
        found = None
    if not found:
        return ""
    memory.remember_said(program, question, found.group(1))
    return found.group(1)


def _writable_by_others(program: Path) -> bool:
    found = program.stat()
    return found.st_uid not in (0, os.geteuid()) or bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


class SystemPath:
    """The PATH, without the folder into which the links go.

    A tool that a Python package brings is looked for beside the interpreter first: there the
    collection's own requirements put it, in the pinned version and off most PATHs.
    """

    def __init__(
        self, path: str, *, bin_dir: Path, memory: Memory, interpreter: str = sys.executable
    ) -> None:
        folders = [*path.split(os.pathsep), *SYSTEM_FOLDERS]
        own = bin_dir.resolve()
        self._folders = [Path(folder) for folder in dict.fromkeys(folders)
                         if os.path.isabs(folder) and Path(folder).resolve() != own]  # fmt: skip
        self._beside = Path(interpreter).parent
        self._memory = memory

    def _find(self, program: str, *, python: bool) -> Path | None:
        for folder in [self._beside, *self._folders] if python else self._folders:
            candidate = folder / program
            if candidate.is_file() and os.access(candidate, os.X_OK):
                return candidate
        return None

    def answer(self, tool: Tool) -> Answer:
        """Tell whether every program of a tool is on the PATH in an accepted version."""
        if tool.system is None or tool.data:
            return Answer(False, "not looked for on PATH")
        files: dict[str, str] = {}
        for place in tool.provides:
            program = tool.system.programs.get(place, Path(place).name)
            found = self._find(program, python=bool(tool.system.python))
            if found is None:
                beside = f" and not in {self._beside}" if tool.system.python else ""
                return Answer(False, f"{program} is not on PATH{beside}")
            if _writable_by_others(found):
                return Answer(False, f"{found} can be written by other users")
            arguments = tool.system.ask.get(place)
            if arguments:
                version = said_version(found, arguments, self._memory)
                if not version or not accepts(tool.system.accept, version):
                    said = f"is {version}" if version else "does not say its version"
                    return Answer(False, f"{found} {said}, wanted {tool.system.accept}")
            files[place] = str(found)
        sums = {place: self._memory.sha256(Path(path)) for place, path in files.items()}
        all_beside = all(Path(path).parent == self._beside for path in files.values())
        where = "beside Python" if tool.system.python and all_beside else "on PATH"
        return Answer(True, f"{where} in an accepted version ({tool.system.accept})", files, sums)


def require_versions(tool: Tool, files: Mapping[str, str], memory: Memory) -> None:
    """Prove that a new artifact runs on this machine and is the version that was wanted."""
    for place, arguments in (tool.system.ask if tool.system else {}).items():
        version = said_version(Path(files[place]), arguments, memory)
        if not version or not accepts(tool.accepted(), version):
            raise RampartError(
                f"{place} of {tool.name} {tool.version} "
                + (f"says that it is {version}." if version else "does not run, or does not say its version.")
                + " It is not used.",
                next_step="check the version and the linker flags of its entry in the tool list",
                tool=tool.name,
                path=files[place],
            )
