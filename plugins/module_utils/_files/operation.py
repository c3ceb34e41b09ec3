# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads how files are, and makes them as they should be."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import leftovers, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._files.copies import (
    Copy,
    CopyStep,
    look,
    take,
)
from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import (
    Seen,
    Step,
    Wanted,
    decide,
    difference,
    refuse_conflicts,
)

# Folders that nobody described may lie above a key.
PARENT_MODE = 0o700


def owner_numbers(name: str) -> tuple[int, int] | None:
    """Return a user's number and group; None when there is no such user (yet)."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return found.pw_uid, found.pw_gid


def observe(path: Path, owner: str = "") -> Seen:
    """Read one path without following a link in its last part."""
    try:
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as stream:
                content = stream.read()
        else:
            content = b""
    except FileNotFoundError:
        return Seen("absent")
    except OSError as error:
        raise RampartError(
            f"Could not read {path}: {error.strerror}.",
            next_step="correct the path or its permissions",
            path=str(path),
        ) from error
    mode = stat.S_IMODE(status.st_mode)
    numbers = owner_numbers(owner) if owner else (os.geteuid(), 0)
    owned = numbers is not None and status.st_uid == numbers[0]
    if stat.S_ISREG(status.st_mode):
        return Seen("file", mode, owned, content)
    return Seen("directory" if stat.S_ISDIR(status.st_mode) else "other", mode, owned)


def _missing_parents(path: Path) -> list[Path]:
    """List the folders above a path that do not exist, from the top down."""
    missing = []
    for parent in path.parents:
        if os.path.lexists(parent):
            break
        missing.append(parent)
    return missing[::-1]


def make_directory(path: Path, mode: int = PARENT_MODE) -> None:
    """Create a folder that does not exist, with all above it."""
    try:
        for parent in _missing_parents(path):
            parent.mkdir(mode=PARENT_MODE)
        path.mkdir(mode=mode)
        # mkdir subtracts the umask of whoever runs the play.
        path.chmod(mode)
    except OSError as error:
        raise RampartError(
            f"Could not create the folder {path}: {error.strerror}.",
            next_step="free space or make the folder above it writable, then run again",
            path=str(path),
        ) from error


def _change_mode(path: Path, mode: int) -> None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fchmod(handle, mode)
        finally:
            os.close(handle)
    except OSError as error:
        raise RampartError(
            f"Could not change the mode of {path}: {error.strerror}.",
            next_step="make the file system writable, then run again",
            path=str(path),
        ) from error


def _perform(step: Step) -> None:
    item = step.wanted
    if item.content is None:
        if step.action == "created":
            make_directory(item.path, item.mode)
        else:
            _change_mode(item.path, item.mode)
        return
    if step.action == "mode":
        _change_mode(item.path, item.mode)
        return
    if not item.path.parent.is_dir():
        make_directory(item.path.parent)
    numbers = owner_numbers(item.owner) if item.owner else None
    if item.owner and numbers is None:
        raise RampartError(
            f"There is no user {item.owner}, whose {item.path} should be.",
            next_step="make the user first (cluster_host does for an embedded cluster)",
            path=str(item.path),
        )
    write_atomic(item.path, item.content, mode=item.mode, owner=numbers)


def _entry(step: Step) -> dict[str, Any]:
    return {
        "path": str(step.wanted.path),
        "mode": f"{step.wanted.mode:04o}",
        "action": step.action,
        "changed": step.changes,
        "reason": step.reason,
    }


@dataclass(slots=True)
class ConfigFiles:
    """All files and folders of one task: folders first, in the order given, copies last."""

    wanted: list[Wanted]
    copies: list[Copy] = field(default_factory=list)
    _steps: list[Step] = field(default_factory=list)
    _swept: list[Path] = field(default_factory=list)
    _copied: list[CopyStep] = field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        """What happens to each path; known after plan()."""
        return self._steps

    def plan(self) -> Plan:
        """Compare everything with the disk; nothing is written."""
        refuse_conflicts(self.wanted)
        self._steps = [decide(item, observe(item.path, item.owner)) for item in self.wanted]
        files = [item.path for item in self.wanted if item.content is not None]
        files += [item.path for item in self.copies]
        self._swept = [leftover for path in files for leftover in leftovers(path)]
        self._copied = [look(item) for item in self.copies]
        changes = [step for step in self._steps if step.changes]
        reasons = [f"{step.wanted.path}: {step.reason}" for step in changes]
        reasons += [f"{step.copy.path}: {step.reason}" for step in self._copied if step.changes]
        reasons += [f"{path}: a killed run left it" for path in self._swept]
        return Plan(
            changed=bool(reasons),
            reason="; ".join(reasons) or "everything is as it should be",
            result={
                "files": [_entry(step) for step in self._steps if step.wanted.content is not None],
                "directories": [_entry(step) for step in self._steps if step.wanted.content is None],
                "copies": [step.entry() for step in self._copied],
                "swept": [str(path) for path in self._swept],
            },
            texts=[difference(step) for step in changes]
            + [step.difference() for step in self._copied if step.changes]
            + [
                {
                    "before_header": str(path),
                    "after_header": "absent",
                    "before": "left by a killed run\n",
                    "after": "",
                }
                for path in self._swept
            ],
        )

    def apply(self, plan: Plan) -> Plan:
        """Write in the order of the plan; each file is replaced in one step."""
        for path in self._swept:
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise RampartError(
                    f"Could not remove {path}, which a killed run left: {error.strerror}.",
                    next_step="make the file system writable, then run again",
                    path=str(path),
                ) from error
        for step in self._steps:
            if step.changes:
                _perform(step)
        for copied in self._copied:
            if copied.changes:
                if not copied.copy.path.parent.is_dir():
                    make_directory(copied.copy.path.parent)
                take(copied.copy)
        return plan
