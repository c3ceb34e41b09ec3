# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import (
    TEMPORARY_PREFIX,
    sweep_temporary,
    write_atomic,
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_file_is_replaced_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    target = tmp_path / "key"
    target.write_bytes(b"old")
    target.chmod(0o644)
    write_atomic(target, b"new")
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_wide_mask_does_not_narrow_a_wanted_mode(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomic(tmp_path / "public", b"x", mode=0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "public").stat().st_mode & 0o777 == 0o644


def test_on_a_full_disk_the_old_file_stays_whole(small_disk: Path) -> None:
    target = small_disk / "config"
    write_atomic(target, b"old")
    with pytest.raises(RampartError, match=r"No space left.*as it was before"):
        write_atomic(target, b"x" * 200_000)
    assert target.read_bytes() == b"old"
    assert [path.name for path in small_disk.iterdir()] == ["config"]


def test_a_missing_folder_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match=r"Could not write .*missing/config: No such file"):
        write_atomic(tmp_path / "missing" / "config", b"x")


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "config").symlink_to(victim)
    write_atomic(tmp_path / "config", b"new")
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "config").is_symlink()


def test_leftovers_of_a_killed_run_are_swept_and_nothing_else(tmp_path: Path) -> None:
    leftover = f"{TEMPORARY_PREFIX}config.0123"
    (tmp_path / leftover).write_bytes(b"half")
    (tmp_path / "config").write_bytes(b"whole")
    assert sweep_temporary(tmp_path) == [leftover]
    assert [path.name for path in tmp_path.iterdir()] == ["config"]
