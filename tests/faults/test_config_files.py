# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Case 25 of the fault plan: the disk is full or read-only while configuration is written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.modules import call, run_killed

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")

OLD = "the old content\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def listing(folder: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]


def test_a_full_disk_leaves_the_old_file(disk: Path) -> None:
    target = disk / "a.conf"
    target.write_text(OLD)
    arguments: dict[str, Any] = {"files": [{"path": str(target), "content": "x" * 1_000_000}]}
    answer = call("config_files", arguments)
    assert answer["failed"]
    assert "No space left on device" in answer["msg"]
    assert "as it was before" in answer["msg"]
    assert listing(disk) == [("a.conf", OLD.encode())]
    arguments["files"][0]["content"] = "fits\n"
    assert call("config_files", arguments)["changed"]
    assert listing(disk) == [("a.conf", b"fits\n")]


def test_a_read_only_disk_leaves_everything(disk: Path) -> None:
    target = disk / "a.conf"
    target.write_text(OLD)
    target.chmod(0o600)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for wanted in (
        {"files": [{"path": str(target), "content": "new\n"}]},
        {"files": [{"path": str(target), "content": OLD, "mode": "0644"}]},
        {"files": [{"path": str(disk / "folder/b.conf"), "content": "new\n"}]},
        {"directories": [{"path": str(disk / "folder")}]},
    ):
        predicted = call("config_files", wanted, check=True)
        assert predicted["changed"]
        answer = call("config_files", wanted)
        assert answer["failed"]
        assert "Read-only file system" in answer["msg"]
        assert "Next step" in answer["msg"]
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert listing(disk) == [("a.conf", OLD.encode())]


def test_a_run_killed_at_any_point_leaves_whole_files_and_the_next_one_finishes(tmp_path: Path) -> None:
    new = "new " * 999
    point = 0
    killed = True
    while killed:
        folder = tmp_path / str(point)
        folder.mkdir()
        for name in "abc":
            (folder / name).write_text(OLD)
        arguments = {"files": [{"path": f"{folder}/{name}", "content": new} for name in "abc"]}
        killed = run_killed("config_files", arguments, point=point, folder=folder)
        assert {(folder / name).read_text() for name in "abc"} <= {OLD, new}
        call("config_files", arguments)
        assert listing(folder) == [(name, new.encode()) for name in "abc"]
        assert not call("config_files", arguments)["changed"]
        point += 1
    assert point > 10
