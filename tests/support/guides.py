# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that the documentation shows, each with what its author says of running it.

A comment stands on the line before the block: `run` (it ends well), `refused: WORDS` (it must not, and says
that), or `not run: WHY`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?:console|sh)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
MARK = re.compile(r"run|refused: .+|not run: .+")


@dataclass(frozen=True, slots=True)
class Commands:
    """A block of commands on a page."""

    page: str
    line: int
    text: str
    mark: str

    @property
    def is_marked(self) -> bool:
        """Say whether it is known what becomes of it."""
        return MARK.fullmatch(self.mark) is not None

    @property
    def is_run(self) -> bool:
        """Say whether it can be run here."""
        return self.is_marked and not self.mark.startswith("not run")

    @property
    def refusal(self) -> str:
        """Return the words with which it has to fail; none when it has to end well."""
        return self.mark.removeprefix("refused: ") if self.mark.startswith("refused: ") else ""


def commands(root: Path, page: str) -> Iterator[Commands]:
    """Yield the blocks of a page in order."""
    text = (root / page).read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        yield Commands(page, line, match["text"], match["mark"] or "")
