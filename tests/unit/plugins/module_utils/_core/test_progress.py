# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress


def test_lines_are_appended_with_the_time(tmp_path: Path) -> None:
    target = tmp_path / "progress"
    progress = Progress(str(target))
    progress.say("one")
    progress.say("two")
    lines = target.read_text().splitlines()
    assert [re.fullmatch(r" *\d+\.\d s  (\w+)", line).group(1) for line in lines] == ["one", "two"]  # type: ignore[union-attr]


def test_without_a_reader_nothing_is_written(tmp_path: Path) -> None:
    Progress(None).say("one")
    assert list(tmp_path.iterdir()) == []
