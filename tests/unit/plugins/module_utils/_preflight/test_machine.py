# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._preflight import machine

# Recorded on a machine with both versions mounted.
MOUNTS = """\
proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,nodev,noexec,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,nosuid,nodev,noexec,relatime,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0
"""


@pytest.mark.parametrize(
    ("version", "expected"),
    [("6.1.0-13-amd64", (6, 1, 0, 13)), ("2.19.14", (2, 19, 14)), ("2.21.0rc1", (2, 21)), ("", ())],
)
def test_versions_become_numbers(version: str, expected: tuple[int, ...]) -> None:
    assert machine.numbers(version) == expected


def test_controllers_of_the_first_version_are_mount_options() -> None:
    assert {"cpu", "memory"} <= machine.cgroup_controllers(MOUNTS, "")
    assert "pids" not in machine.cgroup_controllers(MOUNTS, "")


def test_controllers_of_the_second_version_are_listed() -> None:
    assert {"cpuset", "pids"} <= machine.cgroup_controllers("", "cpuset cpu io memory hugetlb pids\n")


def test_free_space_of_a_folder_that_is_still_to_come(tmp_path: Path) -> None:
    assert machine.free_gb(tmp_path / "not" / "yet") == pytest.approx(machine.free_gb(tmp_path), abs=1)


def test_this_machine_is_observed(tmp_path: Path) -> None:
    seen = machine.observe([str(tmp_path)], ["PyYAML", "no-such-distribution"])
    assert seen.memory_mb > 0
    assert seen.kernel > (3,)
    assert seen.free_gb[str(tmp_path)] > 0
    assert machine.numbers(seen.libraries["PyYAML"]) >= (6,)
    assert seen.libraries["no-such-distribution"] == ""
    assert "proc" in seen.filesystems


def test_a_system_that_is_no_linux_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_read", lambda path: "")
    with pytest.raises(RampartError, match="no Linux"):
        machine.observe([], [])
