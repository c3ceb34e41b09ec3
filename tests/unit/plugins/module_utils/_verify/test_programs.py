# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._verify import programs

# A keeper with one child, which says when it is there.
KEEPER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"])
child.wait()
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A cluster's folder, with real processes."""
    (tmp_path / "etc/cni").mkdir(parents=True)
    (tmp_path / "etc/kubelet.yaml").write_text("anonymous: false\n")
    (tmp_path / "data").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", KEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"up\n"
        (tmp_path / "supervisord.pid").write_text(f"{keeper.pid}\n")
        yield tmp_path
        assert keeper.stdin is not None
        keeper.stdin.close()


def test_nothing_is_observed_where_the_programs_run_elsewhere() -> None:
    assert programs.observe(None) == {}


def test_the_keeper_and_its_children_are_told_from_all_others(root: Path) -> None:
    seen = programs.observe(str(root))
    assert len(seen["programs"]) == 2
    assert all(arguments[0] == sys.executable for arguments, _file, _unread in seen["programs"])
    assert programs.observe(str(root)) == seen


def set_mode(path: Path) -> None:
    path.chmod(0o600 if path.stat().st_mode & 0o777 != 0o600 else 0o644)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "etc/kubelet.yaml").write_text("anonymous: true\n"),
        lambda root: set_mode(root / "etc/kubelet.yaml"),
        lambda root: (root / "etc/cni/10-other.conflist").write_text("{}"),
        lambda root: (root / "supervisord.conf").write_text(""),
        lambda root: (root / "etc/kubelet.yaml").unlink(),
    ],
)
def test_a_changed_configuration_is_seen(root: Path, change: Callable[[Path], Any]) -> None:
    before = programs.observe(str(root))
    change(root)
    assert programs.observe(str(root)) != before


def test_a_content_that_keeps_size_and_time_is_seen(root: Path) -> None:
    path = root / "etc/kubelet.yaml"
    before = programs.observe(str(root))
    old = path.stat()
    path.write_text("anonymous: maybe\n"[: old.st_size])
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert path.stat().st_mtime_ns == old.st_mtime_ns
    assert programs.observe(str(root)) != before


def test_data_may_change(root: Path) -> None:
    before = programs.observe(str(root))
    (root / "data/etcd").write_text("more")
    assert programs.observe(str(root)) == before


def test_another_keeper_is_seen(root: Path) -> None:
    before = programs.observe(str(root))
    (root / "supervisord.pid").write_text(f"{os.getpid()}\n")
    assert programs.observe(str(root)) != before


@pytest.mark.parametrize("content", [None, "not a number"])
def test_a_cluster_that_is_down_is_named(root: Path, content: str | None) -> None:
    keeper = root / "supervisord.pid"
    kept = keeper.read_text()
    keeper.unlink() if content is None else keeper.write_text(content)
    with pytest.raises(RampartError, match="cannot be observed") as caught:
        programs.observe(str(root))
    assert "start the cluster" in caught.value.next_step
    keeper.write_text(kept)


class FakeProc:
    """A machine that was booted at a moment, with a keeper and one program that can be started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "proc"
        (self.folder / "42").mkdir(parents=True)
        (self.folder / "42/cmdline").write_bytes(b"kubelet\0--config=kubelet.yaml\0")
        (self.folder / "42/exe").symlink_to(sys.executable)
        (self.folder / "stat").write_text("cpu 1 2 3\nbtime 1000000000\n")

    def start(self, seconds: float) -> None:
        """Start it so long after the boot."""
        ticks = int(seconds * os.sysconf("SC_CLK_TCK"))
        fields = ["S", "7", *["0"] * 17, str(ticks), "0"]
        (self.folder / "42/stat").write_text(f"42 (a ) name) {' '.join(fields)}\n")

    def observe(self, changed: int) -> list[list[Any]]:
        """Look at it beside one file that was changed so many seconds after the boot."""
        moment = (1_000_000_000 + changed) * programs.NANOSECONDS
        return programs.programs(7, [["kubelet.yaml", 1, 0o100600, 0, 0, 10, moment, moment]], self.folder)


def test_a_program_that_was_only_started_again_is_the_same(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.start(100)
    before = proc.observe(changed=50)
    proc.start(200)
    assert proc.observe(changed=50) == before
    assert before[0][0] == ["kubelet", "--config=kubelet.yaml"]


def test_a_configuration_that_a_program_has_not_read_yet_is_told_from_one_that_it_has(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.start(100)
    unread = proc.observe(changed=150)
    assert unread[0][2] == ["kubelet.yaml"]
    proc.start(200)
    assert proc.observe(changed=150) != unread
