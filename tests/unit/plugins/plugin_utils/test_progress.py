# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.plugin_utils import progress
from ansible_collections.rampart.k8s.plugins.plugin_utils.progress import following


def test_lines_are_shown_while_the_module_works_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.01)
    path = tmp_path / "lines"
    path.touch()
    shown: list[str] = []
    came = threading.Event()

    def show(line: str) -> None:
        shown.append(line)
        came.set()

    module = Progress(str(path))
    with following(path, show):
        module.say("first")
        assert came.wait(10)
        module.say("second")
    assert [line.split("s  ")[1] for line in shown] == ["first", "second"]


def test_half_a_line_is_kept_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("one\ntw")
    shown: list[str] = []
    with path.open() as stream:
        rest = progress.show_new_lines(stream, shown.append)
        assert (shown, rest) == (["one"], "tw")
        with path.open("a") as more:
            more.write("o\n")
        assert progress.show_new_lines(stream, shown.append, rest) == ""
    assert shown == ["one", "two"]


def test_a_failing_module_leaves_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("last words\n")
    shown: list[str] = []
    before = threading.active_count()
    with pytest.raises(RuntimeError), following(path, shown.append):
        raise RuntimeError
    assert shown == ["last words"]
    assert threading.active_count() == before
