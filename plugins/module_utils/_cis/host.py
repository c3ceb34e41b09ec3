# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The cluster's own processes and files on this machine.

Two clusters of a machine run the same programs. A process belongs to a cluster when its arguments
name a file below the cluster's folder.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from grp import getgrgid
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml

# The benchmark's names for the components, and their programs.
PROGRAMS = {
    "apiserver": "kube-apiserver",
    "controllermanager": "kube-controller-manager",
    "scheduler": "kube-scheduler",
    "etcd": "etcd",
    "kubelet": "kubelet",
    "proxy": "kube-proxy",
}


@dataclass(frozen=True, slots=True)
class Process:
    """A running component."""

    pid: int
    argv: tuple[str, ...]

    def flag(self, name: str) -> str | None:
        """Return the value of a flag, an empty text for one without a value, None when it is not set."""
        for position, word in enumerate(self.argv[1:], 1):
            if word == f"--{name}":
                following = self.argv[position + 1 : position + 2]
                return following[0] if following and not following[0].startswith("-") else ""
            if word.startswith(f"--{name}="):
                return word.partition("=")[2]
        return None

    def belongs_to(self, root: str) -> bool:
        """Tell whether an argument names something below a folder."""
        below = root.rstrip("/") + "/"
        return any(below in word for word in self.argv[1:])


def running(proc: Path = Path("/proc")) -> list[Process]:
    """Return all processes; one that ends while it is looked at is passed over."""
    found = []
    for folder in proc.iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            except OSError:
                continue
            found.append(Process(int(folder.name), tuple(os.fsdecode(word) for word in words)))
    return found


def components(root: str, processes: list[Process]) -> dict[str, Process]:
    """Return the cluster's components; two of one kind would make every answer doubtful."""
    found: dict[str, Process] = {}
    names = {program: component for component, program in PROGRAMS.items()}
    for process in processes:
        component = names.get(os.path.basename(process.argv[0])) if process.argv[0] else None
        if component is None or not process.belongs_to(root):
            continue
        if component in found:
            raise RampartError(
                f"Two processes of {root} are a {PROGRAMS[component]}: "
                f"{found[component].pid} and {process.pid}.",
                next_step="end the one that is left over, then run again",
            )
        found[component] = process
    return found


@dataclass(frozen=True, slots=True)
class Host:
    """What the checks may ask of the machine."""

    processes: Mapping[str, Process]
    files: Mapping[str, str] = field(default_factory=dict)

    def flag(self, component: str, name: str) -> str | None:
        """Return the value of a component's flag."""
        process = self.processes.get(component)
        return process.flag(name) if process else None

    def load(self, path: str) -> dict[str, Any]:
        """Read a configuration file; one that cannot be read is an error, not an empty one."""
        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            said = getattr(error, "strerror", None) or "it is not valid YAML"
            raise RampartError(
                f"Could not read {path}, which a benchmark control needs: {said}.",
                next_step="check that the path is right and that this user may read it",
            ) from error
        return data if isinstance(data, dict) else {}

    def owner(self, path: str) -> str:
        """Return ``user:group mode`` of a file."""
        status = Path(path).stat()
        try:
            user, group = pwd.getpwuid(status.st_uid).pw_name, getgrgid(status.st_gid).gr_name
        except KeyError:
            user, group = str(status.st_uid), str(status.st_gid)
        return f"{user}:{group} {status.st_mode & 0o7777:o}"
