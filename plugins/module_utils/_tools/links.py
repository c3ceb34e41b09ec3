# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Links from the places below the prefix to the verified files."""

from __future__ import annotations

import os
import secrets
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


def make(prefix: Path, place: str, target: str) -> None:
    """Set one link in one step: there is no moment without it when it existed before."""
    link = prefix / place
    temporary = link.with_name(f".{link.name}.{secrets.token_hex(6)}")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        temporary.symlink_to(target)
        os.replace(temporary, link)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RampartError(
            f"Could not link {link} to {target}: {error.strerror}.",
            next_step="make the folder writable or free space, then run again",
            path=str(link),
        ) from error
