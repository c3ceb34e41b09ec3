# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What git keeps besides the content of files: messages, and what is not committed yet."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Text

# What stands between two entries of a list; it cannot stand in a message.
RECORD, FIELD = "\x1e", "\x1f"

LARGEST_FILE = 10 * 1024 * 1024


class Repository:
    """One clone."""

    def __init__(self, folder: Path, git: Cli) -> None:
        self.folder = folder
        self._git = git

    def _ask(self, *arguments: str) -> str:
        return self._git.run("-C", str(self.folder), *arguments).stdout

    def store(self) -> Path:
        """Return where git keeps the history: a list of exceptions in the tree is not obeyed from there."""
        return Path(self._ask("rev-parse", "--path-format=absolute", "--git-common-dir").strip())

    def commits(self) -> int:
        """Count the commits; a clone without its past cannot be judged."""
        if self._ask("rev-parse", "--is-shallow-repository").strip() == "true":
            raise RampartError(
                f"The clone {self.folder} is shallow: its history is not there to be looked into.",
                next_step="git fetch --unshallow, or clone without --depth",
                path=str(self.folder),
            )
        return int(self._ask("rev-list", "--all", "--count").strip())

    def has_changes(self) -> bool:
        """Say whether any commit changes a file; one that changes none is not counted by gitleaks."""
        return bool(self._ask("rev-list", "--all", "--full-history", "--max-count=1", "--", ":/").strip())

    def messages(self) -> list[Text]:
        """Return the messages of commits, notes and tags."""
        log = self._ask("log", "--all", f"--format={RECORD}%H{FIELD}%B%N")
        tags = self._ask("for-each-ref", "refs/tags", f"--format={RECORD}%(refname:short){FIELD}%(contents)")
        found = []
        for kind, listing in (("commit", log), ("tag", tags)):
            for record in listing.split(RECORD)[1:]:
                name, _unused, content = record.partition(FIELD)
                if content.strip():
                    found.append(Text(f"{kind} {name}", content))
        return found

    def uncommitted(self) -> list[Text]:
        """Return the files that the history does not know as they are now, without those that git ignores."""
        listed = self._ask("ls-files", "-z", "--modified", "--others", "--exclude-standard")
        staged = self._ask("diff", "--cached", "--name-only", "-z", "--diff-filter=d")
        found = []
        for name in sorted({*listed.split("\0"), *staged.split("\0")} - {""}):
            path = self.folder / name
            if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_FILE:
                continue
            content = path.read_bytes()
            if b"\0" not in content[:8192]:
                found.append(Text(name, content.decode("utf-8", errors="replace")))
        return found
