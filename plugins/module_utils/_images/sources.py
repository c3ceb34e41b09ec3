# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Finds what else goes into an image with an entry: the files of a folder, the libraries of a program."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Entry

# What ldd prints: a name and where the loader finds it, or the loader itself by its path alone. The
# kernel's own page (linux-vdso) has no path.
_FOUND = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)
_LOST = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)
STATIC = 1
LIBRARY_MODE = 0o755


def in_folder(entry: Entry) -> list[Entry]:
    """Replace an entry whose source is a folder by the files below it."""
    root = entry.source
    if root is None or not root.is_dir():
        return [entry]
    files: list[Entry] = []
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            place = path.relative_to(root).as_posix()
            files.append(Entry(f"{entry.path}/{place}", entry.mode, path))
    return files


def parse_ldd(program: Path, listing: str) -> list[Path]:
    """Read what ldd prints of one program."""
    lost = _LOST.findall(listing)
    if lost:
        raise RampartError(
            f"{program} cannot go into an image: this machine has no {', '.join(lost)} for it.",
            next_step="install the program anew (role rampart.k8s.tools does)",
            path=str(program),
        )
    # A library that lies beside its program is named by a way through the program's folder.
    return [Path(os.path.normpath(found)) for found in _FOUND.findall(listing)]


def with_libraries(entry: Entry) -> list[Entry]:
    """Add the shared libraries of a program, and its loader, where the loader looks for them.

    That can depend on the folder of the program itself, so it stands where it does on this machine,
    and the path that was asked for is a link to it.
    """
    if entry.source is None or not entry.source.is_file():
        # It is missing: who reads it says so.
        return [entry]
    program = entry.source.resolve()
    done = Cli("ldd").run(str(program), accept=(0, STATIC))
    if done.rc == STATIC:
        return [entry]
    libraries = [Entry(str(path), LIBRARY_MODE, path) for path in parse_ldd(program, done.stdout)]
    place = str(program)
    if place == entry.path:
        return [entry, *libraries]
    return [Entry(entry.path, entry.mode, link=place), Entry(place, entry.mode, program), *libraries]


def once(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Drop what two programs share; the same path with another source stays, and is refused later."""
    return tuple(dict.fromkeys(entries))


def expand(entry: Entry, *, libraries: bool) -> list[Entry]:
    """Return everything that goes into the image for one entry."""
    found = in_folder(entry)
    return [part for item in found for part in (with_libraries(item) if libraries else [item])]
