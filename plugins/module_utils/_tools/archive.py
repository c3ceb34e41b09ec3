# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Takes named files out of an archive; an archive never decides where something lands."""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import safe_place

MAX_MEMBERS = 100_000
MAX_BYTES = 4 * 1024**3


def _refuse(archive: Path, rule: str, why: str) -> RampartError:
    return RampartError(
        f"The archive {archive.name} is refused (rule {rule}): {why}. Nothing of it is used.",
        next_step="find out who made this archive, and get it from its source again",
        path=str(archive),
        rule=rule,
    )


@contextmanager
def _reading(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open an archive as a stream; whatever is wrong with its bytes becomes a refusal."""
    try:
        with tarfile.open(archive, "r|*") as tar:
            yield tar
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise RampartError(
                f"Could not unpack {archive.name}: {error.strerror}.",
                next_step="free space or make the folder writable, then run again",
                path=str(archive),
            ) from error
        raise _refuse(archive, "whole", f"it cannot be read to its end ({error})") from error


def _members(archive: Path, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Go through the members within the bounds on their number and on the unpacked bytes."""
    total = 0
    for count, member in enumerate(tar, start=1):
        total += member.size
        if count > MAX_MEMBERS:
            raise _refuse(archive, "members", f"it has more than {MAX_MEMBERS} members")
        if total > MAX_BYTES:
            raise _refuse(archive, "size", f"it unpacks to more than {MAX_BYTES} bytes")
        yield member


@contextmanager
def _new_file(target: Path, mode: int) -> Iterator[int]:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        yield handle
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, mode: int) -> None:
    stream = tar.extractfile(member)
    if stream is None:
        raise tarfile.ReadError(f"{member.name} has no content")
    with _new_file(target, mode) as handle, os.fdopen(handle, "wb", closefd=False) as out:
        shutil.copyfileobj(stream, out, 1024 * 1024)


def take(archive: Path, members: Mapping[str, str], folder: Path) -> None:
    """Unpack the named members of a release archive to their places below ``folder``.

    ``members`` maps a place to a member's name. Everything else in the archive is not looked at.
    """
    wanted = {name.removeprefix("./"): place for place, name in members.items()}
    with _reading(archive) as tar:
        for member in _members(archive, tar):
            place = wanted.get(member.name.removeprefix("./"))
            if place is None:
                continue
            if not member.isreg():
                raise _refuse(archive, "type", f"{member.name} is not a plain file")
            if (folder / place).exists():
                raise _refuse(archive, "twice", f"{member.name} stands in it twice")
            _write(tar, member, folder / place, 0o755)
    missing = sorted(name for name, place in wanted.items() if not (folder / place).exists())
    if missing:
        raise _refuse(archive, "missing", f"it does not hold {', '.join(missing)}")


def unpack_mirrored(archive: Path, provides: tuple[str, ...], data: tuple[str, ...], folder: Path) -> None:
    """Unpack a mirror's archive, whose members are the places themselves, and nothing besides.

    Raises RampartError with the name of the rule for a member that is a link or a device, that
    would land outside its place, stands in it twice, or is missing.
    """
    with _reading(archive) as tar:
        for member in _members(archive, tar):
            if member.isdir():
                continue
            if not member.isreg():
                raise _refuse(archive, "type", f"{member.name} is not a plain file")
            name = member.name.removeprefix("./")
            in_data = any(name.startswith(f"{place}/") for place in data)
            if not safe_place(name) or (name not in provides and not in_data):
                raise _refuse(archive, "place", f"{member.name!r} is not a place of this tool")
            if (folder / name).exists():
                raise _refuse(archive, "twice", f"{member.name} stands in it twice")
            _write(tar, member, folder / name, 0o644 if in_data else 0o755)
    missing = [place for place in (*provides, *data) if not (folder / place).exists()]
    if missing:
        raise _refuse(archive, "missing", f"it does not hold {', '.join(missing)}")
