# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A program that runs as a user of its own: what is handed to that user, and what he can reach."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program

PRIVATE = 0o700


def _user(program: Program) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(program.user)
    except KeyError as error:
        raise RampartError(
            f"The program {program.name} runs as {program.user}, and there is no such user.",
            next_step="make the user first (cluster_host does for an embedded cluster), or name another one",
            program=program.name,
        ) from error


def _allowed(path: Path, user: pwd.struct_passwd, bit: int) -> bool:
    """Whether the mode of one path allows it to a user who is in no group but his own."""
    status = path.stat()
    if user.pw_uid in (0, status.st_uid):
        return user.pw_uid == 0 or bool(status.st_mode & bit << 6)
    return bool(status.st_mode & (bit << 3 if user.pw_gid == status.st_gid else bit))


def refuse_unreachable(program: Program) -> None:
    """Stop before the start when the program's user cannot get at what it needs.

    The program would end at once, with words that do not name the folder in the way.
    """
    if not program.user:
        return
    user = _user(program)
    needed = ((Path(program.argv[0]), stat.S_IXOTH), *((path, stat.S_IROTH) for path in program.reads))
    for path, bit in needed:
        for folder in [*path.parents][::-1]:
            if not _allowed(folder, user, stat.S_IXOTH):
                raise _unreachable(program, path, folder, "pass through")
        if not _allowed(path, user, bit):
            raise _unreachable(program, path, path, "use")
    for path in program.owns:
        for folder in [*path.parents][::-1]:
            if not _allowed(folder, user, stat.S_IXOTH):
                raise _unreachable(program, path, folder, "pass through")


def _unreachable(program: Program, path: Path, where: Path, what: str) -> RampartError:
    return RampartError(
        f"The program {program.name} needs {path}, and its user {program.user} may not {what} {where}.",
        next_step=f"allow it (chmod o+x {where} for a folder), choose another place, or another user",
        program=program.name,
        path=str(where),
    )


def hand_over(programs: Iterable[Program]) -> None:
    """Make the folders that programs own, and give their users everything in them.

    Only while the programs do not run: what an earlier life wrote as another user is found here.
    """
    for program in programs:
        for folder in program.owns:
            user = _user(program)
            try:
                folder.mkdir(mode=PRIVATE, exist_ok=True)
                folder.chmod(PRIVATE)
                for top, folders, files in os.walk(folder):
                    for path in (top, *(os.path.join(top, name) for name in (*folders, *files))):
                        if os.lstat(path).st_uid != user.pw_uid:
                            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
            except OSError as error:
                raise RampartError(
                    f"Could not give {folder} to {program.user}, who runs {program.name}: {error.strerror}.",
                    next_step="run as root, with the folder on a disk that can be written",
                    program=program.name,
                    path=str(folder),
                ) from error
