# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Where the commands of a node run: on this machine, or in a container that is the node."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Protocol

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli, Completed
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


class Machine(Protocol):
    """One node."""

    @property
    def name(self) -> str:
        """Name it for a person."""

    def run(
        self,
        *argv: str,
        pieces: Iterator[bytes] | None = None,
        accept: Sequence[int] = (0,),
        timeout: float | None = None,
    ) -> Completed:
        """Run a command there."""


MARK = "--rampart--"


def ask(machine: Machine, *questions: Sequence[str]) -> list[str]:
    """Ask several questions in one command, since each may have to find its way into a node first."""
    script = f"; echo {MARK}; ".join(shlex.join(question) for question in questions)
    answers = machine.run("sh", "-euc", script).stdout.split(f"{MARK}\n")
    if len(answers) != len(questions):
        raise RampartError(
            f"{machine.name} gives {len(answers)} answers to {len(questions)} questions.",
            next_step=f"look at what this prints there: sh -c {shlex.quote(script)}",
        )
    return answers


class ThisMachine:
    """The machine that the module runs on."""

    def __init__(self, name: str, timeout: float) -> None:
        self.name = name
        self._timeout = timeout

    def run(
        self,
        *argv: str,
        pieces: Iterator[bytes] | None = None,
        accept: Sequence[int] = (0,),
        timeout: float | None = None,
    ) -> Completed:
        program, *arguments = argv
        return Cli(program, timeout=timeout or self._timeout).run(*arguments, pieces=pieces, accept=accept)
