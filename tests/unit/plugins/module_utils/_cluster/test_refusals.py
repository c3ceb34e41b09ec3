# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot go well, or would take more than a cluster away, is refused before anything is touched."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._cluster import host, observe
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.names import Cluster
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.operation import ClusterHost
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


def wanted(*, alone: tuple[str, ...] = (), commands: tuple[str, ...] = ()) -> host.Wanted:
    return host.Wanted("198.19.60.1", {}, {}, {}, alone, commands)


def operation(root: Path, state: str) -> ClusterHost:
    cluster = Cluster(
        root, "rampart-unit", "rmp60node", "rmp60pods", "/rampart/unit", IPv4Network("10.188.0.0/16")
    )
    return ClusterHost(cluster, wanted(), state, 1)


def test_a_folder_that_holds_more_than_a_cluster_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "thesis.odt").touch()
    with pytest.raises(RampartError, match=r"thesis\.odt, which no cluster has made; nothing was removed"):
        operation(tmp_path, "absent").plan()
    assert (tmp_path / "thesis.odt").exists()


def test_a_cluster_that_never_was_leaves_nothing(tmp_path: Path) -> None:
    for state in ("stopped", "absent"):
        plan = operation(tmp_path / "none", state).plan()
        assert (plan.changed, plan.reason) == (False, "nothing of the cluster is left")


def test_a_second_program_of_its_kind_is_refused_with_the_owner_of_the_first() -> None:
    around = observe.Family((), (), frozenset(), {"cilium-agent": "/var/lib/rampart/first"})
    with pytest.raises(RampartError, match=r"cilium-agent already runs .*\(/var/lib/rampart/first\)"):
        host.check_alone(wanted(alone=("cilium-agent",)), around)
    host.check_alone(wanted(alone=("kube-proxy",)), around)


def test_all_missing_commands_are_named_at_once() -> None:
    with pytest.raises(RampartError, match="lacks no-such-one, no-such-two"):
        host.check_commands(wanted(commands=("sh", "no-such-one", "no-such-two")))


def test_what_was_changed_stays_while_another_cluster_needs_it(tmp_path: Path) -> None:
    (tmp_path / host.MEMORY_FILE).write_text('{"settings": {"kernel.ostype": "Other"}, "mounts": ["pids"]}')
    cluster = operation(tmp_path, "absent").cluster
    alone = observe.Family((), (), frozenset(), {})
    beside = observe.Family((), (), frozenset(), {"kubelet": "process 1"})
    assert host.to_restore(cluster, alone) == {
        "settings": {"kernel.ostype": "Other"},
        "cgroup_hierarchies": ["pids"],
    }
    assert host.to_restore(cluster, beside) == {}


def test_a_torn_record_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / host.MEMORY_FILE).write_text('{"settings": ')
    alone = observe.Family((), (), frozenset(), {})
    assert host.to_restore(operation(tmp_path, "absent").cluster, alone) == {}


def test_a_setting_that_the_kernel_does_not_have_is_said_so() -> None:
    assert observe.read_setting("kernel.no_such_setting") is None
    assert observe.write_setting("kernel.no_such_setting", "1") is False
