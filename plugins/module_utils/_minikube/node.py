# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reaches into the node of a profile through the daemon that holds it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Completed
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.tool import QUESTION_SECONDS, docker


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a profile that is a container."""

    name: str
    docker_host: str
    config: Path
    program: str = "docker"

    def runs(self) -> bool:
        """Whether there is a node to reach into; without a daemon there is none."""
        with contextlib.suppress(RampartError):
            client = docker(self.docker_host, self.config, program=self.program)
            done = client.run("inspect", "--format={{.State.Running}}", self.name, accept=(0, 1))
            return done.rc == 0 and done.stdout.strip() == "true"
        return False

    def run(
        self,
        *argv: str,
        pieces: Iterator[bytes] | None = None,
        accept: Sequence[int] = (0,),
        timeout: float | None = None,
    ) -> Completed:
        """Run a command in the node; what is sent to it goes through the daemon, and into no file."""
        client = docker(
            self.docker_host, self.config, program=self.program, timeout=timeout or QUESTION_SECONDS
        )
        stream = ("--interactive",) if pieces is not None else ()
        return client.run("exec", *stream, self.name, *argv, pieces=pieces, accept=accept)

    def read(self, path: str) -> str | None:
        """Return the text of a file in the node; None when there is none."""
        done = self.run("cat", "--", path, accept=(0, 1))
        return done.stdout if done.rc == 0 else None
