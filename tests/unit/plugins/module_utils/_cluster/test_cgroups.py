# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Version 1 hierarchies that other processes mounted for themselves are seen."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._cluster import cgroups

CONTROLLERS = """#subsys_name\thierarchy\tnum_cgroups\tenabled
cpuset\t3\t1\t1
cpu\t1\t1\t1
cpuacct\t2\t1\t1
memory\t4\t21\t1
devices\t5\t1\t1
net_cls\t0\t1\t1
perf_event\t0\t1\t1
net_prio\t0\t1\t1
hugetlb\t0\t1\t0
"""
MOUNTS = "\n".join(
    f"{40 + at} 30 0:{at} / /sys/fs/cgroup/{name} rw shared:1 - cgroup cgroup rw,{name}"
    for at, name in enumerate(("cpuset", "cpu", "cpuacct", "memory", "devices"))
)
OWN = "5:devices:/\n4:memory:/\n3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/\n"


def test_what_is_enabled_but_not_mounted_is_named_as_it_is_usually_mounted() -> None:
    # hugetlb is off in this kernel.
    assert cgroups.missing_hierarchies(CONTROLLERS, OWN, MOUNTS) == ["net_cls,net_prio", "perf_event"]


def test_what_a_container_mounted_is_joined_as_it_stands() -> None:
    own = f"21:perf_event:/\n20:net_cls:/\n{OWN}"
    assert cgroups.missing_hierarchies(CONTROLLERS, own, MOUNTS) == ["net_cls", "perf_event", "net_prio"]


def test_a_whole_machine_lacks_nothing() -> None:
    mounts = (
        f"{MOUNTS}\n60 30 0:60 / /sys/fs/cgroup/net_cls,net_prio rw - cgroup cgroup rw,net_cls,net_prio\n"
    )
    mounts += "61 30 0:61 / /sys/fs/cgroup/perf_event rw - cgroup cgroup rw,perf_event\n"
    assert cgroups.missing_hierarchies(CONTROLLERS, OWN, mounts) == []


def test_version_2_has_one_folder_and_version_1_one_for_each_hierarchy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "TOP", tmp_path)
    for name in ("cpu", "memory"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "no-cgroup").mkdir()
    assert cgroups.folders("/rampart/a") == [tmp_path / "cpu/rampart/a", tmp_path / "memory/rampart/a"]
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    assert cgroups.folders("/rampart/a") == [tmp_path / "rampart/a"]
    assert cgroups.lacking() == []


def test_processes_below_are_found_and_the_kernels_zero_is_none(tmp_path: Path) -> None:
    (tmp_path / "pod").mkdir()
    (tmp_path / "cgroup.procs").write_text("0\n")
    (tmp_path / "pod" / "cgroup.procs").write_text("12\n13\n")
    assert cgroups.processes([tmp_path]) == {12, 13}


def test_a_pod_that_ends_meanwhile_is_passed_over(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").write_text(f"{ord(name)}\n")
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            for number in range(20):
                (tmp_path / "a" / str(number) / "deep").mkdir(parents=True)
            for number in range(20):
                (tmp_path / "a" / str(number) / "deep").rmdir()
                (tmp_path / "a" / str(number)).rmdir()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _unused in range(200):
            assert cgroups.processes([tmp_path]) == {ord("a"), ord("b")}
    finally:
        stop.set()
        thread.join()


def test_controllers_are_handed_down_to_a_new_cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "TOP", tmp_path)
    (tmp_path / "cgroup.controllers").write_text("cpu\n")
    (tmp_path / "cgroup.subtree_control").touch()
    cgroups.make(tmp_path / "rampart" / "a")
    assert (tmp_path / "rampart" / "a").is_dir()
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"


def test_the_last_cluster_takes_the_common_parent_with_it(tmp_path: Path) -> None:
    for name in ("a/pods", "b"):
        (tmp_path / "rampart" / name).mkdir(parents=True)
    cgroups.remove([tmp_path / "rampart" / "a"])
    assert [entry.name for entry in (tmp_path / "rampart").iterdir()] == ["b"]
    cgroups.remove([tmp_path / "rampart" / "b"])
    assert not (tmp_path / "rampart").exists()
