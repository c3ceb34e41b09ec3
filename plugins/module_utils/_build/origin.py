# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Where sources come from: the commit that last touched them, whatever else changed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._source.git import Git

# Marks a revision beside which files lie that are not committed.
DIRTY = "+dirty"


@dataclass(frozen=True, slots=True)
class Origin:
    """What an image says of its sources; ``epoch`` is the time of everything in it."""

    revision: str = ""
    epoch: int = 0


def of(git: Git, folder: Path, sources: Sequence[Path]) -> Origin:
    """Ask git about the sources that lie in a repository; others, such as wheels, are pinned otherwise."""
    inside = [str(path.relative_to(folder)) for path in sources if path.is_relative_to(folder)]
    if not inside:
        raise RampartError(
            f"Nothing of what is built lies in {folder}.",
            next_step="correct the repository, or leave it out",
            path=str(folder),
        )
    revision, epoch = git.last_change(inside)
    return Origin(f"{revision}{DIRTY}" if git.changed(inside) else revision, epoch)
