# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases 23 and 25 of the fault plan for the encryption configuration, and a kill at every step."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.tests.support.modules import call, run_killed

from tests.rig import Rig

MODULE = "encryption_config"
MORE = ["secrets", "configmaps", "leases.coordination.k8s.io"]
# More steps than a run has; it is a bound, not a figure.
STEPS = 60

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")

BREAKS: dict[str, Callable[[str], str]] = {
    "yaml": lambda text: text.replace("resources:", "resources: [", 1),
    "short key": lambda text: text.replace("secret: ", "secret: AAAA", 1),
    "cut off": lambda text: text[: len(text) // 2],
    "emptied": lambda _text: "",
    "duplicate name": lambda text: text.replace(
        "      - name:", "      - {name: twice, secret: " + "A" * 43 + "=}\n" * 1 + "      - name:", 1
    ).replace("- name: key", "- name: twice #", 1),
    "unknown field": lambda text: text.replace("  providers:", "  colour: red\n  providers:", 1),
}


def secrets(path: Path) -> list[str]:
    """Return the key material of a file in its order."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        key["secret"]
        for entry in data["resources"]
        for provider in entry["providers"]
        for body in provider.values()
        for key in body.get("keys", [])
    ]


def state(path: Path) -> tuple[bytes, int, int]:
    status = path.stat()
    return path.read_bytes(), status.st_mtime_ns, status.st_ino


@pytest.mark.parametrize("damage", BREAKS)
@pytest.mark.parametrize("check", [True, False])
def test_23_a_broken_file_is_refused_and_left_alone(damage: str, check: bool, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    assert call(MODULE, {"path": str(path)})["changed"]
    key = secrets(path)[0]
    path.write_text(BREAKS[damage](path.read_text(encoding="utf-8")), encoding="utf-8")
    path.chmod(0o600)
    before = state(path)
    for wanted in ({}, {"resources": MORE}, {"provider": "aesgcm"}):
        answer = call(MODULE, {"path": str(path), **wanted}, check=check, diff=True)
        assert answer["failed"]
        assert "is not valid: line" in answer["msg"] or "the file: is empty" in answer["msg"]
        assert answer["problems"]
        assert answer["next_step"]
        assert key[:12] not in str(answer)
        assert state(path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_23_the_api_server_goes_on_undisturbed(tmp_path: Path) -> None:
    """Options that are wrong never reach the file that a running API server watches."""
    path = tmp_path / "config.yaml"
    assert call(MODULE, {"path": str(path)})["changed"]
    before = state(path)
    flags = (f"--encryption-provider-config={path}", "--encryption-provider-config-automatic-reload=true")
    with Rig(api_flags=flags) as rig:
        for wanted in ({"resources": ["Secrets"]}, {"resources": ["secrets", "*."]}, {"provider": "aescbc"}):
            assert call(MODULE, {"path": str(path), **wanted})["failed"]
        assert state(path) == before
        # This fails when the process has ended, since nobody starts it again.
        rig.wait_ready()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a small file system."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(file: Path) -> None:
    """Write until nothing fits any more."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as stream:
        while True:
            stream.write(b"x" * 1024)


@needs_root
def test_25_a_full_disk_leaves_the_old_keys(disk: Path) -> None:
    path = disk / "config.yaml"
    assert call(MODULE, {"path": str(path)})["changed"]
    keys, before = secrets(path), state(path)
    filler = disk / "filler"
    fill(filler)
    answer = call(MODULE, {"path": str(path), "resources": MORE})
    assert answer["failed"]
    assert "No space left on device" in answer["msg"]
    assert state(path) == before
    assert sorted(file.name for file in disk.iterdir()) == ["config.yaml", "filler"]
    filler.unlink()
    assert call(MODULE, {"path": str(path), "resources": MORE})["changed"]
    assert set(secrets(path)) == set(keys)
    assert not call(MODULE, {"path": str(path), "resources": MORE})["changed"]


@needs_root
def test_25_a_read_only_disk_leaves_the_old_keys(disk: Path) -> None:
    path = disk / "config.yaml"
    assert call(MODULE, {"path": str(path)})["changed"]
    before = state(path)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for wanted in ({"path": str(path), "resources": MORE}, {"path": str(disk / "other" / "config.yaml")}):
        answer = call(MODULE, wanted)
        assert answer["failed"]
        assert "Read-only file system" in answer["msg"]
        assert answer["next_step"]
    assert state(path) == before
    assert not call(MODULE, {"path": str(path)})["changed"]


@pytest.mark.parametrize("exists", [False, True], ids=["first", "added"])
def test_killed_at_every_step_no_key_is_lost(exists: bool, tmp_path: Path) -> None:
    died = 0
    for point in range(STEPS):
        folder = tmp_path / str(point) / "encryption"
        path = folder / "config.yaml"
        wanted: dict[str, Any] = {"path": str(path), "resources": MORE}
        old: list[str] = []
        if exists:
            call(MODULE, {"path": str(path)})
            old = secrets(path)
        killed = run_killed(MODULE, wanted, point=point, folder=tmp_path)
        died += killed
        live = secrets(path) if path.exists() else []
        assert not old or set(live) == set(old)
        answer = call(MODULE, wanted)
        assert not answer.get("failed"), answer
        # What stood in the file after the kill may be in use by now.
        assert not live or secrets(path)[: len(live)] == live
        assert [file.name for file in folder.iterdir()] == ["config.yaml"] or not answer["changed"]
        assert not call(MODULE, wanted)["changed"]
        if not killed:
            break
    assert died >= 4
    assert not killed
