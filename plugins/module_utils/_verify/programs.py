# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The programs and files of a cluster on this machine, as far as a proof depends on them.

Files are known by what the kernel says of them: a content that changes changes the time of the
inode, and no secret is read for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# What the programs of an embedded cluster are configured by; its data and logs change all the time.
CONFIGURATION = ("etc", "pki", "encryption", "supervisord.conf", "admin.kubeconfig", "super-admin.kubeconfig")
KEEPER = "supervisord.pid"

# Field of /proc/<pid>/stat behind the name in brackets: the parent, and the start since boot.
PARENT, STARTED = 1, 19
NANOSECONDS = 1_000_000_000


def observe(root: str | None, proc: Path = Path("/proc")) -> dict[str, Any]:
    """Return who runs below a cluster's keeper, from which program, and with which files."""
    if not root:
        return {}
    folder = Path(root)
    try:
        keeper = int((folder / KEEPER).read_text())
        configuration = files(folder)
        return {
            "boot": (proc / "sys/kernel/random/boot_id").read_text().strip(),
            "programs": programs(keeper, configuration, proc),
            "files": configuration,
        }
    except (OSError, ValueError) as error:
        raise RampartError(
            f"The programs of {root} cannot be observed: {getattr(error, 'strerror', None) or error}.",
            next_step="start the cluster, or leave cluster_root out for one that runs elsewhere",
        ) from error


def programs(keeper: int, configuration: list[list[Any]], proc: Path) -> list[list[Any]]:
    """Return the keeper and its children: their arguments, their program, and what they have not read yet.

    That a program was started again says nothing by itself. But a file that is newer than the
    program will count from its next start on, and a proof from before says nothing about it.
    """
    booted = _booted(proc)
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[PARENT]) != keeper and int(entry.name) != keeper:
                continue
            arguments = (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            started = booted + int(fields[STARTED]) * NANOSECONDS // os.sysconf("SC_CLK_TCK")
            unread = [path for path, *_others, changed in configuration if changed > started]
            words = [os.fsdecode(word) for word in arguments]
            found.append([words, identity((entry / "exe").stat()), unread])
        except (FileNotFoundError, ProcessLookupError):
            # It ended while it was looked at.
            continue
    return sorted(found)


def _booted(proc: Path) -> int:
    lines = (line.split() for line in (proc / "stat").read_text().splitlines())
    return next(int(words[1]) for words in lines if words[0] == "btime") * NANOSECONDS


def files(folder: Path) -> list[list[Any]]:
    """Return every file and folder of the configuration by its name and identity."""
    found = []
    for name in CONFIGURATION:
        top = folder / name
        paths = [top, *top.rglob("*")] if top.is_dir() else [top]
        found += [[str(path), *identity(path.lstat())] for path in paths if path.exists()]
    return sorted(found)


def identity(status: os.stat_result) -> list[int]:
    """Say which file it is and that it was not changed."""
    return [
        status.st_ino,
        status.st_mode,
        status.st_uid,
        status.st_gid,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    ]
