# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Many small texts as one: gitleaks reads them in one process, and each finding is led back to its text."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

# So much stands between two texts that no rule reaches from one into the next.
GAP = "\n" * 5


@dataclass(frozen=True, slots=True)
class Text:
    """Something to look into."""

    name: str
    content: str = field(repr=False)


class Joined:
    """Texts one behind the other."""

    def __init__(self, texts: list[Text]) -> None:
        self._texts = texts
        self._starts: list[int] = []
        pieces: list[str] = []
        line = 1
        for text in texts:
            # Other line ends would be counted differently there and here.
            content = "\n".join(text.content.splitlines()) + GAP
            self._starts.append(line)
            line += content.count("\n")
            pieces.append(content)
        self.content = "".join(pieces)

    def locate(self, line: int) -> tuple[str, int]:
        """Return the name of the text that holds a line of the whole, and the line in that text."""
        position = bisect.bisect_right(self._starts, line) - 1
        if position < 0:
            return "", line
        return self._texts[position].name, line - self._starts[position] + 1
