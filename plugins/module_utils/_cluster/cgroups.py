# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The cgroups of a cluster, with version 1 and version 2 of the kernel's interface."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli

TOP = Path("/sys/fs/cgroup")
CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")
# What distributions mount together.
TOGETHER = (("cpu", "cpuacct"), ("net_cls", "net_prio"))


def unified() -> bool:
    """Whether the machine has version 2 alone; a version 2 beside version 1 does not count."""
    return (TOP / "cgroup.controllers").exists()


def missing_hierarchies(controllers: str, own: str, mountinfo: str) -> list[str]:
    """Name the version 1 hierarchies that are mounted nowhere, as mount options.

    ``controllers`` is /proc/cgroups, ``own`` /proc/self/cgroup. When a container mounts one for
    itself, every process of the machine is in it; containerd then looks for its mount, and without
    one no container has any statistics.
    """
    mounted = set()
    for line in mountinfo.splitlines():
        kind, _unused, options = line.partition(" - ")[2].partition(" ")
        if kind == "cgroup":
            mounted |= set(options.split()[-1].split(","))
    joined = {
        name: tuple(names.split(","))
        for names in re.findall(r"^\d+:([a-z_,]+):", own, re.MULTILINE)
        for name in names.split(",")
    }
    groups: list[tuple[str, ...]] = []
    for line in controllers.splitlines():
        fields = line.split()
        if line.startswith("#") or fields[3] != "1" or fields[0] in mounted:
            continue
        usual = next((group for group in TOGETHER if fields[0] in group), (fields[0],))
        group = joined.get(fields[0], tuple(name for name in usual if name not in joined))
        if group not in groups:
            groups.append(group)
    return [",".join(group) for group in groups]


def lacking() -> list[str]:
    """Name the hierarchies that this machine lacks."""
    if unified():
        return []
    return missing_hierarchies(
        Path("/proc/cgroups").read_text(),
        Path("/proc/self/cgroup").read_text(),
        Path("/proc/self/mountinfo").read_text(),
    )


def mount(hierarchy: str) -> bool:
    """Mount a hierarchy where everybody looks for it; False when this machine does not allow it."""
    point = TOP / hierarchy
    with contextlib.suppress(OSError):
        point.mkdir(exist_ok=True)
        return (
            Cli("mount", timeout=10)
            .run("-t", "cgroup", "-o", hierarchy, "cgroup", str(point), accept=(0, 1, 32))
            .rc
            == 0
        )
    return False


def unmount(hierarchy: str) -> None:
    """Take a mount away again, when nobody uses it."""
    point = TOP / hierarchy
    if point.is_dir() and Cli("umount", timeout=10).run(str(point), accept=(0, 1, 32)).rc == 0:
        with contextlib.suppress(OSError):
            point.rmdir()


def folders(cgroup: str) -> list[Path]:
    """Return where a cgroup stands or would stand: once with version 2, per hierarchy with version 1."""
    if unified():
        return [TOP / cgroup.lstrip("/")]
    hierarchies = sorted(
        entry.resolve() for entry in TOP.iterdir() if entry.is_dir() and (entry / "cgroup.procs").exists()
    )
    return [hierarchy / cgroup.lstrip("/") for hierarchy in dict.fromkeys(hierarchies)]


def processes(places: Iterable[Path]) -> set[int]:
    """Return every process in a cgroup and below it, which is every container of the cluster."""
    found: set[int] = set()
    for place in places:
        # Unlike rglob, walk passes over folders that go while it looks, as those of ending pods do.
        for folder, _unused, _unused in os.walk(place):
            with contextlib.suppress(OSError):
                found |= {int(pid) for pid in Path(folder, "cgroup.procs").read_text().split()}
    return found - {0}


def make(folder: Path) -> None:
    """Make a cgroup whose children may use every controller that there is."""
    for path in reversed([folder, *folder.parents]):
        if TOP not in path.parents:
            continue
        path.mkdir(exist_ok=True)
        # Version 1: a new cpuset is empty, and nothing can run in it.
        for name in CPUSET_FILES:
            file = path / name
            if file.exists() and not file.read_text().strip():
                file.write_text((path.parent / name).read_text())
        # Version 2: controllers are handed down one level at a time.
        handed = path.parent / "cgroup.subtree_control"
        if handed.exists():
            for controller in (path.parent / "cgroup.controllers").read_text().split():
                with contextlib.suppress(OSError):
                    handed.write_text(f"+{controller}")


def remove(places: Iterable[Path]) -> None:
    """Remove cgroups in which no process is left, and what they alone made necessary above them."""
    for place in places:
        for path, _unused, _unused in os.walk(place, topdown=False):
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(path)
        # The common parent goes with the last cluster.
        with contextlib.suppress(OSError):
            place.parent.rmdir()
