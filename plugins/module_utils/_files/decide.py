# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides what has to happen to a file or a folder, from how it is and how it should be."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

Kind = Literal["absent", "file", "directory", "other"]
Action = Literal["created", "replaced", "mode", "unchanged"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One path as it should be; ``content`` is None for a folder."""

    path: Path
    mode: int
    content: bytes | None = None
    secret: bool = False
    # A file may be another user's; a folder is always that of whoever runs the play.
    owner: str = ""
    # A folder that exists keeps its mode and gets only the bits that it lacks.
    widen: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One path as it is."""

    kind: Kind
    mode: int = 0
    owned: bool = True
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one path, and why."""

    wanted: Wanted
    seen: Seen
    action: Action
    reason: str

    @property
    def changes(self) -> bool:
        return self.action != "unchanged"


def parse_mode(text: str, path: str) -> int:
    """Read a quoted octal mode; an unquoted one has become a decimal number and is refused."""
    if not re.fullmatch(r"0[0-7]{3,4}", text):
        raise RampartError(
            f"The mode {text} of {path} is not an octal mode with a leading zero.",
            next_step="write it in quotes, for example '0600'; YAML turns it into another number otherwise",
            path=path,
        )
    return int(text, 8)


def parse_path(text: str) -> Path:
    """Accept an absolute path without steps back; anything else depends on where it is read."""
    path = Path(text)
    if not path.is_absolute() or ".." in path.parts:
        raise RampartError(
            f"{text} is not an absolute path without '..'.",
            next_step="give the whole path, starting with a slash",
            path=text,
        )
    return path


def refuse_conflicts(wanted: list[Wanted]) -> None:
    """A path given twice, or a file given as another's folder, has no one right state."""
    files = {item.path for item in wanted if item.content is not None}
    known: set[Path] = set()
    for item in wanted:
        if item.path in known:
            raise RampartError(
                f"{item.path} is given twice.", next_step="give each path once", path=str(item.path)
            )
        known.add(item.path)
        above = files.intersection(item.path.parents)
        if above:
            raise RampartError(
                f"{item.path} lies inside {above.pop()}, which is given as a file.",
                next_step="correct one of the two paths",
                path=str(item.path),
            )


def decide(wanted: Wanted, seen: Seen) -> Step:
    """Compare one path with what it should be."""
    kind: Kind = "directory" if wanted.content is None else "file"
    if seen.kind == "absent":
        return Step(wanted, seen, "created", "it does not exist")
    if seen.kind != kind:
        raise RampartError(
            f"{wanted.path} should be a {kind}, but something else is there (a link, for example).",
            next_step="look at what it is and remove it, or give another path",
            path=str(wanted.path),
        )
    if wanted.content is not None and seen.content != wanted.content:
        return Step(wanted, seen, "replaced", "its content differs")
    if not seen.owned:
        if wanted.content is None:
            raise RampartError(
                f"The folder {wanted.path} belongs to another user, who could change what is in it.",
                next_step="change its owner, or give another path",
                path=str(wanted.path),
            )
        return Step(wanted, seen, "replaced", "it belongs to another user")
    if wanted.widen:
        wanted = replace(wanted, mode=seen.mode | wanted.mode)
    if seen.mode != wanted.mode:
        return Step(wanted, seen, "mode", f"its mode is {seen.mode:04o}, not {wanted.mode:04o}")
    return Step(wanted, seen, "unchanged", "it is as it should be")


def _shown(item: Wanted, content: bytes) -> str:
    if item.secret:
        return f"(secret content, {len(content)} bytes)\n"
    return content.decode("utf-8", errors="replace")


def difference(step: Step) -> dict[str, str]:
    """Show one change as two texts; of a secret only that it changed."""
    item, seen = step.wanted, step.seen
    before = "" if seen.kind == "absent" or item.content is None else _shown(item, seen.content)
    after = "" if item.content is None else _shown(item, item.content)
    if item.secret and step.action == "replaced":
        after = after.replace("(secret content", "(other secret content")
    old = "absent" if seen.kind == "absent" else f"mode {seen.mode:04o}"
    new = f"mode {item.mode:04o}"
    # Headers alone are not shown when the texts are equal, so a bare mode change stands in the text.
    if before == after:
        before, after = f"{old}\n", f"{new}\n"
    return {
        "before_header": f"{item.path} ({old})",
        "after_header": f"{item.path} ({new})",
        "before": before,
        "after": after,
    }
