# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the machine has, read from the kernel and from Python; nothing is changed or started."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

GIB = 1024**3
MIB_IN_KIB = 1024


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts that decide whether a run can succeed here."""

    root: bool
    python: tuple[int, ...]
    kernel: tuple[int, ...]
    memory_mb: int
    # Free space where each folder is or would be.
    free_gb: dict[str, float]
    cgroup_controllers: frozenset[str]
    filesystems: frozenset[str]
    # Distributions by name; '' stands for one that is not installed.
    libraries: dict[str, str]


def numbers(version: str) -> tuple[int, ...]:
    """Turn '6.1.0-13-amd64' or '2.19.14' into numbers that compare."""
    parts: list[int] = []
    for part in version.replace("-", ".").split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)


def cgroup_controllers(mounts: str, unified: str) -> frozenset[str]:
    """Collect the controllers of both cgroup versions.

    ``mounts`` is the content of /proc/mounts, where version 1 names its controllers among the mount
    options; ``unified`` is the content of version 2's own list.
    """
    first: set[str] = set()
    for line in mounts.splitlines():
        _device, _point, kind, options, *_rest = line.split(" ")
        if kind == "cgroup":
            first |= set(options.split(","))
    return frozenset(first | set(unified.split()))


def free_gb(folder: Path) -> float:
    """Tell the free space of the file system that holds a folder, or will."""
    existing = folder
    while not existing.exists():
        existing = existing.parent
    stats = os.statvfs(existing)
    return stats.f_bavail * stats.f_frsize / GIB


def _read(path: str) -> str:
    """Read a kernel file; one that this kernel does not have is empty."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return ""


def _filesystems(release: str) -> frozenset[str]:
    """Name the file systems of this kernel, loaded or loadable."""
    names = {line.split()[-1] for line in _read("/proc/filesystems").splitlines() if line.strip()}
    for listing in ("modules.dep", "modules.builtin"):
        for line in _read(f"/lib/modules/{release}/{listing}").splitlines():
            if "kernel/fs/" in line.split(":")[0]:
                stem = line.split(":")[0].rsplit("/", 1)[-1].split(".")[0]
                names.add("overlay" if stem == "overlayfs" else stem)
    return frozenset(names)


def _library(name: str) -> str:
    """Tell the version of an installed distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def observe(folders: Iterable[str], libraries: Iterable[str]) -> Machine:
    """Look at this machine once.

    Raises RampartError on a system whose kernel does not tell its memory, which is no Linux.
    """
    memory = [line.split() for line in _read("/proc/meminfo").splitlines() if line.startswith("MemTotal:")]
    if not memory:
        raise RampartError(
            "This system does not tell its memory: it is no Linux, or /proc is not mounted.",
            next_step="run on Linux; from another system, use an inventory whose driver is existing",
        )
    release = os.uname().release
    return Machine(
        root=os.geteuid() == 0,
        python=sys.version_info[:3],
        kernel=numbers(release),
        memory_mb=int(memory[0][1]) // MIB_IN_KIB,
        free_gb={folder: free_gb(Path(folder)) for folder in folders},
        cgroup_controllers=cgroup_controllers(
            _read("/proc/mounts"), _read("/sys/fs/cgroup/cgroup.controllers")
        ),
        filesystems=_filesystems(release),
        libraries={name: _library(name) for name in libraries},
    )
