# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Replaces the names of lists by what they hold, in the text of a condition, as Falco does. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from ansible_collections.rampart.k8s.plugins.module_utils._falco.findings import Findings
from ansible_collections.rampart.k8s.plugins.module_utils._falco.merge import Definition


class Lists:
    """All lists with what they hold; ``used`` are those that something names."""

    def __init__(self, lists: dict[str, Definition], findings: Findings) -> None:
        self.used: set[str] = set()
        self._lists = lists
        self._findings = findings
        self._held: dict[str, list[str]] = {}
        self._open: list[str] = []
        for name in lists:
            self._items(name)
        # The longest first: one name may begin with another.
        names = "|".join(re.escape(name) for name in sorted(lists, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![^\s(),=])({names})(?![^\s(),=])") if names else None

    def _items(self, name: str) -> list[str]:
        if name not in self._held:
            self._open.append(name)
            definition = self._lists[name]
            items: list[str] = []
            for item in definition.values["items"]:
                items += self._held_by(definition, item)
            self._open.pop()
            self._held[name] = items
        return self._held[name]

    def _held_by(self, definition: Definition, item: str) -> list[str]:
        """Return what an item of a list stands for; a list sees those defined before its last change."""
        other = self._lists.get(item)
        if not other or other is definition:
            return [f'"{item}"' if " " in item and item[0] not in "'\"" else item]
        if other.first < definition.last and item not in self._open:
            self.used.add(item)
            return self._items(item)
        self._findings.warn(
            definition.place,
            f"{item} is a list that is defined only after it, so Falco takes it as a text",
            "put the list before the one that names it",
        )
        return [item]

    def replaced(self, text: str) -> str:
        """Return a condition in which no list is named any more."""
        if not self._pattern:
            return text
        # Of an empty list not even the comma stays.
        return re.sub(r",\s*\0|\0\s*,|\0", "", self._pattern.sub(self._one, text))

    def _one(self, found: re.Match[str]) -> str:
        self.used.add(found.group())
        return ", ".join(self._held[found.group()]) or "\0"

    def meant(self, texts: Iterable[str]) -> tuple[str, str] | None:
        """Find a value that is almost the name of a list, and that list."""
        for text in texts:
            close = difflib.get_close_matches(text, self._held, 1, 0.9) if "_" in text else []
            if close and close[0] != text:
                return text, close[0]
        return None
