# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Links from the places below the prefix to the verified files."""

from __future__ import annotations

import fcntl
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


def pointing_to(link: Path) -> str | None:
    """Return what a link points to, or None where nothing is.

    Raises RampartError where a file or folder stands: it is not ours to remove.
    """
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RampartError(
            f"{link} is in the way: it is not a link that this collection made.",
            next_step="move it away, or choose another tools_prefix",
            path=str(link),
        ) from error


def missing(prefix: Path, targets: Mapping[str, str]) -> dict[str, str | None]:
    """Return the places whose link is missing or points elsewhere, with what it points to now."""
    now = {place: pointing_to(prefix / place) for place in targets}
    return {place: now[place] for place, target in targets.items() if now[place] != target}


def make(prefix: Path, targets: Mapping[str, str]) -> None:
    """Set links, each in one step: there is no moment without it when it existed before."""
    try:
        prefix.mkdir(parents=True, exist_ok=True)
        # One run at a time: a temporary name can then be a fixed one, and what a killed run left
        # under it is taken away here.
        with (prefix / ".lock-links").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for place, target in targets.items():
                link = prefix / place
                temporary = link.with_name(f".{link.name}.new")
                link.parent.mkdir(parents=True, exist_ok=True)
                temporary.unlink(missing_ok=True)
                temporary.symlink_to(target)
                temporary.replace(link)
    except OSError as error:
        raise RampartError(
            f"Could not set the links below {prefix}: {error.strerror} ({error.filename}).",
            next_step="make the folder writable or free space, then run again",
            path=str(prefix),
        ) from error
