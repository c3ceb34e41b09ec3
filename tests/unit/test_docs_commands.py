# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of every command in the documentation it is known whether it is run, and why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import guides
from tests.unit.collection import ROOT, tracked

PAGES = [
    name for name in tracked() if name == "README.md" or (name.startswith("docs/") and name.endswith(".md"))
]


def test_every_block_of_commands_says_whether_it_is_run() -> None:
    blocks = [block for page in PAGES for block in guides.commands(ROOT, page)]
    assert [f"{one.page}:{one.line}" for one in blocks if not one.is_marked] == []
    assert any(one.is_run for one in blocks)


def test_the_first_commands_are_those_of_a_fresh_machine() -> None:
    first = next(guides.commands(ROOT, "README.md")).text
    assert [line.split("#")[0].strip() for line in first.splitlines() if line.startswith("make")] == [
        "make site",
        "make test",
    ]


@pytest.mark.parametrize(
    ("mark", "marked", "run", "refusal"),
    [
        ("<!-- run -->\n", True, True, ""),
        ("<!-- refused: forbidden -->\n", True, True, "forbidden"),
        ("<!-- not run: it takes an AWX -->\n", True, False, ""),
        ("<!-- not run -->\n", False, False, ""),
        ("", False, False, ""),
        ("<!-- run -->\n\n", False, False, ""),
    ],
)
def test_a_mark_stands_right_before_its_block(
    tmp_path: Path, mark: str, *, marked: bool, run: bool, refusal: str
) -> None:
    (tmp_path / "page.md").write_text(f"# Page\n\n{mark}```console\ntrue\nfalse\n```\n\n```yaml\na: 1\n```\n")
    (block,) = guides.commands(tmp_path, "page.md")
    assert (block.text, block.is_marked, block.is_run) == ("true\nfalse\n", marked, run)
    assert block.refusal == refusal
