# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a build is given: exactly the named files, in a folder where they look the same on every machine."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import posixpath
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# What editors, interpreters and version control leave beside sources.
NEVER = ("__pycache__", "*.pyc", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".DS_Store", "*.swp")
EXECUTABLE, PLAIN = 0o755, 0o644


@dataclass(frozen=True, slots=True)
class File:
    """One file of a context."""

    source: Path
    mode: int

    def digest(self) -> str:
        try:
            with self.source.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(self.source, str(error.strerror)) from error


def _unreadable(path: Path, why: str) -> RampartError:
    return RampartError(
        f"Could not read {path}, a part of what is built: {why}.",
        next_step="correct the path or its permissions",
        path=str(path),
    )


def expand(context: Mapping[str, Path], exclude: Sequence[str] = NEVER) -> dict[str, File]:
    """Return the files by their places in the context; a folder stands for everything below it."""
    found: dict[str, File] = {}
    for place, source in context.items():
        if place.startswith("/") or ".." in place.split("/"):
            raise RampartError(
                f"{place!r} lies outside of the context.",
                next_step="give places relative to the context, without ..",
            )
        for name, path in _below(source, exclude):
            found[posixpath.normpath(posixpath.join(place, name))] = File(path, _mode(path))
    return dict(sorted(found.items()))


def _below(source: Path, exclude: Sequence[str]) -> Iterator[tuple[str, Path]]:
    if source.is_file():
        yield "", source
        return
    if not source.is_dir():
        raise _unreadable(source, "it is neither a file nor a folder")
    for folder, folders, names in os.walk(source):
        folders[:] = [name for name in folders if not _excluded(name, exclude)]
        for name in names:
            if not _excluded(name, exclude):
                path = Path(folder, name)
                yield str(path.relative_to(source)), path


def _excluded(name: str, exclude: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in exclude)


def _mode(path: Path) -> int:
    """As git does it: only whether it is a program counts; the rest depends on the umask of who cloned."""
    try:
        return EXECUTABLE if path.stat().st_mode & 0o100 else PLAIN
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error


def stage(files: Mapping[str, File], folder: Path, epoch: int) -> None:
    """Copy the files to a folder, with times and modes that do not depend on this machine."""
    for place, file in files.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file.source, target)
        except OSError as error:
            raise _unreadable(file.source, str(error.strerror)) from error
        target.chmod(file.mode)
        os.utime(target, (epoch, epoch))
    for path, _folders, _names in os.walk(folder, topdown=False):
        os.chmod(path, EXECUTABLE)
        os.utime(path, (epoch, epoch))
