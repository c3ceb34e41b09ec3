# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._files.copies import MARK, Copy, look, take


@pytest.fixture
def folder(tmp_path: Path) -> Copy:
    source = tmp_path / "source"
    (source / "include").mkdir(parents=True)
    (source / "include/a.h").write_text("one")
    (source / "run").write_text("#!/bin/sh")
    (source / "run").chmod(0o555)
    return Copy(tmp_path / "copy", source)


def test_a_folder_is_copied_once(folder: Copy) -> None:
    assert (look(folder).action, look(folder).reason) == ("created", "it does not exist")
    take(folder)
    assert look(folder).action == "unchanged"
    assert (folder.path / "include/a.h").read_text() == "one"
    assert (folder.path / "include").stat().st_mode & 0o777 == 0o755
    assert (folder.path / "run").stat().st_mode & 0o777 == 0o755
    assert (folder.path / "include/a.h").stat().st_mode & 0o777 == 0o644


def test_what_the_program_writes_into_its_copy_stays(folder: Copy) -> None:
    take(folder)
    written = folder.path / "include/a.h"
    written.write_text("what the kernel can do")
    later = (folder.path / MARK).stat().st_mtime_ns + 1
    os.utime(written, ns=(later, later))
    (folder.path / "new").write_text("x")
    assert look(folder).action == "unchanged"


@pytest.mark.parametrize("what", ["size", "time", "added", "removed"])
def test_another_state_of_the_source_is_copied_anew(folder: Copy, what: str) -> None:
    take(folder)
    file = folder.source / "include/a.h"
    if what == "size":
        file.write_text("longer")
    elif what == "time":
        os.utime(file, ns=(1, 1))
    elif what == "added":
        (folder.source / "b.h").write_text("b")
    else:
        file.unlink()
    assert (look(folder).action, look(folder).reason) == ("replaced", "its source changed")
    take(folder)
    assert look(folder).action == "unchanged"
    assert (folder.path / "include/a.h").exists() == (what != "removed")
    assert not list(folder.path.parent.glob(".rampart-*"))


def test_a_copy_that_lost_something_is_taken_anew(folder: Copy) -> None:
    take(folder)
    (folder.path / "run").unlink()
    assert look(folder).reason == "it lacks run"
    take(folder)
    # What a machine leaves that lost its power: the file without its content.
    empty = folder.path / "run"
    empty.write_bytes(b"")
    os.utime(empty, ns=(1, 1))
    assert look(folder).reason == "its run is not whole"
    (folder.path / MARK).unlink()
    assert look(folder).reason == "it was not copied to its end"


def test_a_single_file_is_copied_with_its_times(tmp_path: Path) -> None:
    source = tmp_path / "program"
    source.write_bytes(b"\x7fELF")
    source.chmod(0o555)
    copy = Copy(tmp_path / "bin", source)
    take(copy)
    assert look(copy).action == "unchanged"
    assert copy.path.stat().st_mode & 0o777 == 0o755
    source.chmod(0o755)
    source.write_bytes(b"\x7fELG")
    assert look(copy).reason == "its source changed"


def test_nothing_is_copied_over_something_else(folder: Copy) -> None:
    folder.path.symlink_to(folder.source)
    with pytest.raises(RampartError, match="of another kind"):
        look(folder)


def test_a_missing_source_is_predicted_and_then_refused(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "copy", tmp_path / "none")
    assert look(copy).action == "created"
    with pytest.raises(RampartError, match="Could not copy"):
        take(copy)
    copy.path.mkdir()
    assert "does not exist yet" in look(copy).reason
