# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.modules import call

SECRET = "canary-9f27 first line\ncanary-9f27 second line\n"


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    return {
        "directories": [{"path": str(tmp_path / "open"), "mode": "0755"}],
        "files": [
            {"path": str(tmp_path / "open/plain.conf"), "content": "one\ntwo\n", "mode": "0644"},
            {"path": str(tmp_path / "deep/er/key"), "content": SECRET, "secret": True},
        ],
    }


def snapshot(folder: Path) -> list[tuple[str, int, int, bytes]]:
    return [
        (
            str(path.relative_to(folder)),
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    ]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_check_do_check_do(arguments: dict[str, Any], tmp_path: Path) -> None:
    predicted = call("config_files", arguments, check=True)
    assert predicted["changed"]
    assert snapshot(tmp_path) == []

    done = call("config_files", arguments)
    assert {key: done[key] for key in ("changed", "files", "directories", "reason")} == {
        key: predicted[key] for key in ("changed", "files", "directories", "reason")
    }
    assert (tmp_path / "open/plain.conf").read_text() == "one\ntwo\n"
    assert (tmp_path / "deep/er/key").read_text() == SECRET
    assert mode(tmp_path / "open") == 0o755
    assert mode(tmp_path / "open/plain.conf") == 0o644
    assert mode(tmp_path / "deep") == mode(tmp_path / "deep/er") == 0o700
    assert mode(tmp_path / "deep/er/key") == 0o600

    state = snapshot(tmp_path)
    assert not call("config_files", arguments, check=True)["changed"]
    again = call("config_files", arguments)
    assert not again["changed"]
    assert again["reason"] == "everything is as it should be"
    assert snapshot(tmp_path) == state


def test_only_what_differs_is_written(arguments: dict[str, Any], tmp_path: Path) -> None:
    call("config_files", arguments)
    kept = (tmp_path / "deep/er/key").stat().st_ino
    arguments["files"][0]["content"] = "one\n2\n"
    done = call("config_files", arguments, diff=True)
    assert [entry["action"] for entry in done["files"]] == ["replaced", "unchanged"]
    assert [entry["after"] for entry in done["diff"]] == ["one\n2\n"]
    assert (tmp_path / "deep/er/key").stat().st_ino == kept


def test_a_mode_is_corrected_without_a_new_file(arguments: dict[str, Any], tmp_path: Path) -> None:
    call("config_files", arguments)
    key = tmp_path / "deep/er/key"
    key.chmod(0o644)
    inode = key.stat().st_ino
    done = call("config_files", arguments)
    assert done["files"][1]["reason"] == "its mode is 0644, not 0600"
    assert (mode(key), key.stat().st_ino) == (0o600, inode)


@pytest.mark.parametrize("check", [True, False])
def test_a_secret_is_nowhere_in_the_answer(arguments: dict[str, Any], tmp_path: Path, check: bool) -> None:
    call("config_files", arguments)
    arguments["files"][1]["content"] = SECRET + "canary-9f27 more\n"
    answer = call("config_files", arguments, check=check, diff=True)
    assert answer["changed"]
    assert "canary" not in json.dumps(answer)
    arguments["files"][1]["path"] = "relative"
    assert "canary" not in json.dumps(call("config_files", arguments, check=check, diff=True))


def test_a_link_is_refused_and_its_target_untouched(arguments: dict[str, Any], tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "open").mkdir()
    (tmp_path / "open/plain.conf").symlink_to(victim)
    answer = call("config_files", arguments)
    assert answer["failed"]
    assert "something else is there" in answer["msg"]
    assert victim.read_text() == "mine"


def test_what_a_killed_run_left_is_removed(arguments: dict[str, Any], tmp_path: Path) -> None:
    call("config_files", arguments)
    left = tmp_path / "open/.rampart-plain.conf.0123456789ab"
    left.write_text("half")
    foreign = tmp_path / "open/.rampart-other.conf.0123456789ab"
    foreign.write_text("another run is writing this one")
    predicted = call("config_files", arguments, check=True)
    assert predicted["swept"] == [str(left)]
    assert left.exists()
    assert call("config_files", arguments)["changed"]
    assert not left.exists()
    assert foreign.exists()
    assert not call("config_files", arguments)["changed"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_taken_over(arguments: dict[str, Any], tmp_path: Path) -> None:
    call("config_files", arguments)
    key = tmp_path / "deep/er/key"
    os.chown(key, 65534, 65534)
    assert call("config_files", arguments)["files"][1]["reason"] == "it belongs to another user"
    assert key.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="an unmoved mode could be anybody's")
def test_a_folder_that_exists_is_only_widened(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o750)
    arguments = {"directories": [{"path": str(folder), "mode": "0711", "widen": True}]}
    assert call("config_files", arguments)["directories"][0]["mode"] == "0751"
    assert mode(folder) == 0o751
    folder.chmod(0o1777)
    assert not call("config_files", arguments)["changed"]
    folder.rmdir()
    assert call("config_files", arguments)["changed"]
    assert mode(folder) == 0o711


def test_a_folder_is_copied_in_the_same_task(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.h").write_text("one")
    arguments = {"copies": [{"path": str(tmp_path / "deep/copy"), "source": str(source)}]}
    predicted = call("config_files", arguments, check=True, diff=True)
    assert predicted["changed"]
    assert predicted["diff"][0]["after"] == f"copy of {source}\n"
    assert not (tmp_path / "deep").exists()
    done = call("config_files", arguments)
    assert done["copies"] == predicted["copies"]
    assert (tmp_path / "deep/copy/a.h").read_text() == "one"
    (tmp_path / "deep/.rampart-copy.0123456789ab").mkdir()
    assert call("config_files", arguments)["swept"] == [str(tmp_path / "deep/.rampart-copy.0123456789ab")]
    assert not call("config_files", arguments)["changed"]
