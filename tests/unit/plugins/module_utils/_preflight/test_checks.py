# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._preflight import checks
from ansible_collections.rampart.k8s.plugins.module_utils._preflight.machine import Machine

GOOD = Machine(
    root=True,
    python=(3, 11, 7),
    kernel=(6, 18, 44),
    memory_mb=24000,
    free_gb={"/var/lib/rampart": 50.0},
    cgroup_controllers=frozenset({"cpu", "cpuset", "memory", "pids", "io"}),
    filesystems=frozenset({"overlay", "bpf", "ext4"}),
    libraries={
        "PyYAML": "6.0.3",
        "psycopg": "3.3.9",
        "psycopg-binary": "3.3.9",
        "backports.zstd": "1.8.0",
        "cryptography": "50.0.2",
        "license-expression": "30.4.4",
        "h2": "4.4.1",
        "urllib3": "2.8.0",
        "websocket-client": "1.9.2",
        "supervisor": "4.3.0",
    },
)
EMBEDDED = checks.Wanted(
    driver="embedded", cni="cilium", node=True, memory_mb=3000, disk_gb=5, core="2.19.14"
)


def failed(machine: Machine, wanted: checks.Wanted) -> list[str]:
    return [check.name for check in checks.judge(machine, wanted, {}) if not check.passed]


def test_a_good_machine_passes() -> None:
    assert failed(GOOD, EMBEDDED) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"root": False}, "root"),
        ({"python": (3, 10, 13)}, "python"),
        ({"memory_mb": 2000}, "memory"),
        ({"free_gb": {"/var/lib/rampart": 4.9}}, "free space for /var/lib/rampart"),
        ({"cgroup_controllers": frozenset({"cpu", "memory", "pids"})}, "cgroup controllers"),
        ({"filesystems": frozenset({"bpf"})}, "overlay file system"),
        ({"filesystems": frozenset({"overlay"})}, "kernel for Cilium"),
        ({"kernel": (5, 4, 0)}, "kernel for Cilium"),
        ({"libraries": {**GOOD.libraries, "supervisor": ""}}, "python library supervisor"),
        ({"libraries": {**GOOD.libraries, "urllib3": "1.26.20"}}, "python library urllib3"),
    ],
)
def test_each_lack_is_named_with_a_next_step(change: dict[str, Any], name: str) -> None:
    machine = replace(GOOD, **change)
    assert failed(machine, EMBEDDED) == [name]
    assert all(check.next_step for check in checks.judge(machine, EMBEDDED, {}) if not check.passed)


def test_an_old_core_is_refused() -> None:
    assert failed(GOOD, replace(EMBEDDED, core="2.18.9")) == ["ansible-core"]


def test_everything_is_told_at_once() -> None:
    assert failed(replace(GOOD, root=False, memory_mb=1), EMBEDDED) == ["root", "memory"]


def test_an_existing_cluster_asks_nothing_of_this_machine() -> None:
    bare = replace(GOOD, root=False, memory_mb=1, free_gb={}, filesystems=frozenset(), kernel=(4,))
    assert failed(bare, replace(EMBEDDED, driver="existing")) == []


def test_a_control_plane_alone_needs_no_container_kernel() -> None:
    bare = replace(GOOD, filesystems=frozenset(), cgroup_controllers=frozenset())
    assert failed(bare, replace(EMBEDDED, node=False)) == []


def test_the_bridge_runs_on_a_kernel_without_bpf() -> None:
    assert failed(replace(GOOD, filesystems=frozenset({"overlay"})), replace(EMBEDDED, cni="bridge")) == []


def test_a_misspelt_variable_fails_with_the_name_that_is_meant() -> None:
    found = checks.judge(GOOD, EMBEDDED, {"cluster_drvier": "cluster_driver", "tools_x": ""})
    steps = {check.name: check.next_step for check in found if not check.passed}
    assert "cluster_driver" in steps["variable cluster_drvier"]
    assert steps["variable tools_x"].startswith("remove it")
