# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Files that are whole or not there: what is written survives a kill and is readable by its owner only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

TEMPORARY_PREFIX = ".rampart-"
TEMPORARY_RANDOM_BYTES = 6
LOOK_SECONDS = 0.05


def write_atomic(
    path: str | Path,
    content: bytes | Iterable[bytes],
    *,
    mode: int = 0o600,
    owner: tuple[int, int] | None = None,
    durable: bool = True,
) -> None:
    """Replace a file in one step, or leave it as it was; content may come in pieces.

    ``owner`` is the user and the group that it is given to, by number. The new content is on the
    disk before the name points to it; what is not ``durable`` can be made again, and a loss of
    power may empty it. O_EXCL and O_NOFOLLOW keep a planted link from being written through. Raises
    RampartError on a full or read-only disk; the old file is intact and no temporary file stays.
    """
    target = Path(path)
    temporary = target.with_name(
        f"{TEMPORARY_PREFIX}{target.name}.{secrets.token_hex(TEMPORARY_RANDOM_BYTES)}"
    )
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.writelines((content,) if isinstance(content, bytes) else content)
                stream.flush()
                if owner is not None:
                    os.fchown(stream.fileno(), *owner)
                os.fchmod(stream.fileno(), mode)
                if durable:
                    os.fsync(stream.fileno())
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            raise
        if not durable:
            return
        directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise RampartError(
            f"Could not write {target}: {error.strerror}. The file is as it was before.",
            next_step="free space or make the folder writable, then run again",
            path=str(target),
        ) from error


def anonymous_file() -> IO[bytes]:
    """Open a file that has no name and no disk under it, where the system knows such a thing."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("rampart", os.MFD_CLOEXEC), "w+b")
    return tempfile.TemporaryFile()


def leftovers(target: str | Path) -> list[Path]:
    """Find what killed runs left half-written beside one file; other files' leftovers stay theirs."""
    path = Path(target)
    shape = re.compile(
        rf"{re.escape(TEMPORARY_PREFIX + path.name)}\.[0-9a-f]{{{2 * TEMPORARY_RANDOM_BYTES}}}"
    )
    try:
        beside = os.listdir(path.parent)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(path.parent / name for name in beside if shape.fullmatch(name))


def sweep_temporary(folder: str | Path) -> list[str]:
    """Remove what a killed run left of its half-written files; return their names."""
    swept = []
    for leftover in sorted(Path(folder).glob(f"{TEMPORARY_PREFIX}*")):
        with contextlib.suppress(FileNotFoundError):
            leftover.unlink()
            swept.append(leftover.name)
    return swept


@contextlib.contextmanager
def only_writer(folder: str | Path) -> Iterator[int]:
    """Keep a second run out of a folder; the kernel lets go of it when this one dies.

    Yields the lock: a child that inherits it keeps others out for as long as it runs.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RampartError(
                f"Another run is working in {folder}.",
                next_step="wait until it has ended, then run again",
                path=str(folder),
            ) from error
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def waiting_writer(folder: str | Path, seconds: float) -> Iterator[int]:
    """Be the only writer of a folder, and let another run end first, for so long."""
    ends = time.monotonic() + seconds
    with contextlib.ExitStack() as alone:
        while True:
            try:
                handle = alone.enter_context(only_writer(folder))
                break
            except RampartError:
                if time.monotonic() > ends:
                    raise
                time.sleep(LOOK_SECONDS)
        yield handle
