# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Copies of files and folders of this machine, taken anew when their source changed.

A program that writes into its own data, or that runs as a user who cannot reach the original, gets
a copy. What it writes there is its own affair and never a reason to copy again.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import (
    TEMPORARY_PREFIX,
    TEMPORARY_RANDOM_BYTES,
)

# Stands in the copy of a folder and tells which state of the source it is of. It is written last.
MARK = ".rampart-source"


@dataclass(frozen=True, slots=True)
class Copy:
    """A file or folder, and where its copy belongs."""

    path: Path
    source: Path


@dataclass(frozen=True, slots=True)
class CopyStep:
    """What happens to one copy, and why."""

    copy: Copy
    action: Literal["created", "replaced", "unchanged"]
    reason: str

    @property
    def changes(self) -> bool:
        return self.action != "unchanged"

    def entry(self) -> dict[str, Any]:
        return {
            "path": str(self.copy.path),
            "source": str(self.copy.source),
            "action": self.action,
            "changed": self.changes,
            "reason": self.reason,
        }

    def difference(self) -> dict[str, str]:
        before = "absent" if self.action == "created" else "another state of its source"
        return {
            "before_header": str(self.copy.path),
            "after_header": str(self.copy.path),
            "before": f"{before}\n",
            "after": f"copy of {self.copy.source}\n",
        }


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MARK:
            yield str(path.relative_to(folder)), path


def identity(folder: Path) -> str:
    """Name the state of a folder as the kernel knows it, without reading its files."""
    rows = []
    for name, path in _files(folder):
        status = path.stat()
        rows.append([name, status.st_size, status.st_mtime_ns, bool(status.st_mode & 0o100)])
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _folder_reason(copy: Copy) -> str:
    mark = copy.path / MARK
    try:
        known, marked = mark.read_text(encoding="utf-8"), mark.stat().st_mtime_ns
    except (OSError, UnicodeDecodeError):
        return "it was not copied to its end"
    if known != identity(copy.source):
        return "its source changed"
    for name, source in _files(copy.source):
        copied = copy.path / name
        if not copied.is_file():
            return f"it lacks {name}"
        status = copied.stat()
        # A machine that lost its power leaves empty files; what is newer the program wrote.
        if status.st_size != source.stat().st_size and status.st_mtime_ns <= marked:
            return f"its {name} is not whole"
    return ""


def _file_reason(copy: Copy) -> str:
    source, copied = copy.source.stat(), copy.path.stat()
    same = (source.st_size, source.st_mtime_ns) == (copied.st_size, copied.st_mtime_ns)
    return "" if same else "its source changed"


def look(copy: Copy) -> CopyStep:
    """Compare a copy with its source; nothing is written."""
    try:
        status = copy.path.lstat()
    except FileNotFoundError:
        return CopyStep(copy, "created", "it does not exist")
    if not copy.source.exists():
        # In check mode a run before this one would have brought it; a real run refuses.
        return CopyStep(copy, "replaced", f"its source {copy.source} does not exist yet")
    folder = copy.source.is_dir()
    if not (stat.S_ISDIR(status.st_mode) if folder else stat.S_ISREG(status.st_mode)):
        raise RampartError(
            f"{copy.path} should be a copy of {copy.source}, but it is of another kind.",
            next_step="look at what it is and remove it, or give another path",
            path=str(copy.path),
        )
    reason = _folder_reason(copy) if folder else _file_reason(copy)
    return CopyStep(copy, "replaced" if reason else "unchanged", reason or "it is as it should be")


def _copy_file(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if Path(source).stat().st_mode & 0o100 else 0o644)


def take(copy: Copy) -> None:
    """Copy beside the place, then swap: who reads there sees the old or the new state, whole."""
    suffix = secrets.token_hex(TEMPORARY_RANDOM_BYTES)
    fresh = copy.path.with_name(f"{TEMPORARY_PREFIX}{copy.path.name}.{suffix}")
    old = copy.path.with_name(f"{TEMPORARY_PREFIX}{copy.path.name}.{suffix[::-1]}")
    try:
        if not copy.source.is_dir():
            _copy_file(str(copy.source), str(fresh))
            shutil.copystat(copy.source, fresh)
            fresh.chmod(0o755 if copy.source.stat().st_mode & 0o100 else 0o644)
            fresh.replace(copy.path)
            return
        state = identity(copy.source)
        shutil.copytree(copy.source, fresh, copy_function=_copy_file)
        for folder in (fresh, *(path for path in fresh.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        (fresh / MARK).write_text(state, encoding="utf-8")
        if copy.path.exists():
            copy.path.rename(old)
        fresh.rename(copy.path)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, shutil.Error) as error:
        raise RampartError(
            f"Could not copy {copy.source} to {copy.path}: {error}.",
            next_step="see that the source is there and the disk has space, then run again",
            path=str(copy.path),
        ) from error
