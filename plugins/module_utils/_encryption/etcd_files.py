# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Looks into etcd's files for encrypted values, so that no key is made where one is missing."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

_PREFIX = re.compile(rb"k8s:enc:([a-z]{1,16}):(v[0-9]):([!-9;-~]{1,253}):")
_OBJECT = re.compile(rb"/registry/[a-z]")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the files of an etcd member hold: the keys that values carry, and whether objects exist."""

    keys: frozenset[str] = frozenset()
    objects: bool = False


def inspect(folder: str | Path) -> Stored:
    """Read the database and the log of a member; they are mapped, not copied, and never written."""
    member = Path(folder) / "member"
    keys: set[str] = set()
    objects = False
    for file in (member / "snap" / "db", *sorted((member / "wal").glob("*.wal"))):
        try:
            with file.open("rb") as stream:
                if not stream.seek(0, 2):
                    continue
                with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    keys |= {b"/".join(match.groups()).decode() for match in _PREFIX.finditer(content)}
                    objects = objects or _OBJECT.search(content) is not None
        except FileNotFoundError:
            continue
        except OSError as error:
            raise RampartError(
                f"Could not look into the etcd file {file}: {error.strerror}.",
                next_step="run as the user who owns the etcd data",
            ) from error
    return Stored(frozenset(keys), objects)
