# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""System users that programs of a cluster run as; several clusters of a machine share them."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli

# Stands in the comment of a user that was made here; any other user is somebody else's and stays.
MADE_HERE = "made by rampart.k8s"


def missing(names: Iterable[str]) -> list[str]:
    """Name the users that do not exist."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return [name for name in names if name not in known]


def make(names: Iterable[str]) -> None:
    """Make users that nobody can log in as."""
    for name in names:
        Cli("useradd", timeout=30).run(
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/usr/sbin/nologin",
            "--comment",
            MADE_HERE,
            name,
        )


def _in_use() -> set[int]:
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                found.add(Path("/proc", name).stat().st_uid)
    return found


def removable(names: Iterable[str]) -> list[str]:
    """Name the users that were made here and that no process runs as.

    A cluster that is only stopped gets the user back at its next start, and its data with it.
    """
    wanted = set(names)
    used = _in_use()
    return [
        entry.pw_name
        for entry in pwd.getpwall()
        if entry.pw_name in wanted and entry.pw_gecos == MADE_HERE and entry.pw_uid not in used
    ]


def remove(names: Iterable[str]) -> None:
    """Remove users together with their groups."""
    for name in names:
        Cli("userdel", timeout=30).run(name)
