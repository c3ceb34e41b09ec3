# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Remembers which image each version was given to: a tag that moved would make two things of one name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import (
    leftovers,
    waiting_writer,
    write_atomic,
)

WAIT_SECONDS = 60.0


@dataclass(slots=True)
class Tags:
    """The digests by names and tags."""

    path: Path | None
    _known: dict[str, dict[str, str]] = field(default_factory=dict)

    def load(self) -> None:
        """Read what is known; a file that cannot be read is an error, since forgetting lets tags move."""
        if self.path is None or not self.path.exists():
            return
        try:
            known = json.loads(self.path.read_bytes())
            self._known = {str(name): {str(t): str(d) for t, d in tags.items()} for name, tags in known.items()}
        except (OSError, ValueError, AttributeError) as error:
            raise RampartError(
                f"The list of tags {self.path} cannot be read ({type(error).__name__}).",
                next_step="restore it; without it a tag could move to another image",
                path=str(self.path),
            ) from error

    def taken(self, name: str, tag: str) -> str:
        """Return the digest that a tag was given to, or nothing."""
        return self._known.get(name, {}).get(tag, "")

    def check(self, name: str, tag: str, digest: str) -> None:
        """Refuse to give a tag to another image."""
        found = self.taken(name, tag)
        if found and found != digest:
            raise RampartError(
                f"The tag {tag} of {name} was given to {found}, and this build gave {digest}.",
                next_step="give what changed a version of its own; a tag never moves",
                name=name,
                tag=tag,
                taken_by=found,
                digest=digest,
            )

    def give(self, name: str, tag: str, digest: str) -> None:
        """Give a tag to an image, and keep that beside what others gave meanwhile."""
        self.check(name, tag, digest)
        if self.path is None or self.taken(name, tag):
            return
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with waiting_writer(self.path.parent, WAIT_SECONDS):
            self.load()
            self.check(name, tag, digest)
            self._known.setdefault(name, {})[tag] = digest
            for left in leftovers(self.path):
                left.unlink(missing_ok=True)
            write_atomic(self.path, json.dumps(self._known, sort_keys=True, indent=1).encode(), mode=0o644)
