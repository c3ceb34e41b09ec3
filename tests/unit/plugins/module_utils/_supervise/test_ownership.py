# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.ownership import (
    hand_over,
    refuse_unreachable,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")

USER = "nobody"


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a folder that everybody may pass through; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="ro-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def program(home: Path, **changes: object) -> Program:
    executable = home / "program"
    executable.write_text("#!/bin/sh\n")
    executable.chmod(0o755)
    return Program("p", (str(executable),), {}, user=USER, owns=(home / "data",), **changes)  # type: ignore[arg-type]


def test_a_folder_and_all_in_it_change_hands(home: Path) -> None:
    (home / "data/member").mkdir(parents=True)
    (home / "data/member/log").write_text("x")
    outside = home / "outside"
    outside.write_text("x")
    (home / "data/link").symlink_to(outside)
    hand_over([program(home)])
    data = home / "data"
    uid = data.stat().st_uid
    assert uid != 0
    assert data.stat().st_mode & 0o777 == 0o700
    assert {path.lstat().st_uid for path in data.rglob("*")} == {uid}
    # A link that the user planted gives nothing away.
    assert outside.stat().st_uid == 0


def test_a_missing_folder_is_made(home: Path) -> None:
    hand_over([program(home)])
    assert (home / "data").stat().st_mode & 0o777 == 0o700


def test_a_program_that_its_user_can_reach_passes(home: Path) -> None:
    refuse_unreachable(program(home))
    refuse_unreachable(Program("p", ("/none",), {}))


def test_the_folder_in_the_way_is_named(home: Path) -> None:
    found = program(home)
    home.chmod(0o700)
    with pytest.raises(RampartError, match=rf"nobody may not pass through {home}\."):
        refuse_unreachable(found)


def test_a_file_that_the_user_may_not_read_is_named(home: Path) -> None:
    key = home / "key"
    key.write_text("x")
    key.chmod(0o600)
    with pytest.raises(RampartError, match=rf"nobody may not use {key}\."):
        refuse_unreachable(program(home, reads=(key,)))


def test_a_user_who_is_not_there_is_named(home: Path) -> None:
    nobody = Program("p", (str(home),), {}, user="no-such-one", owns=(home / "data",))
    with pytest.raises(RampartError, match="no such user"):
        refuse_unreachable(nobody)
    with pytest.raises(RampartError, match="no such user"):
        hand_over([nobody])
