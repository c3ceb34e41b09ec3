# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet inventory as it is: three embedded control planes in one run, side by side."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import asking, plays
from tests.support.plays import Played

CLUSTERS = ("north", "east", "west")
RECAP = re.compile(r"^(\w+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


def play(state: Path, playbook: str, *arguments: str) -> Played:
    """Run one of the collection's playbooks on the fleet, with its state in a folder of the test's own."""
    variables = {"cluster_state_dir": str(state), "cluster_reset_confirm": True}
    return plays.play("inventories/fleet", playbook, variables, *arguments)


def changes(done: Played) -> dict[str, int]:
    """Return how many tasks changed something, by cluster; any failure ends the test."""
    recap = {name: tuple(map(int, figures)) for name, *figures in RECAP.findall(done.stdout)}
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return {name: changed for name, (_ok, changed, _unreachable, _failed) in recap.items()}


def kubectl(state: Path, cluster: str, *arguments: str) -> Any:
    """Ask one cluster by itself, not through the collection."""
    return asking.kubectl(state / cluster / "admin.kubeconfig", *arguments)


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """Bring the fleet up once; the folder's path is short, since sockets lie below it."""
    folder = Path(tempfile.mkdtemp(prefix="rf-", dir="/var/tmp"))
    try:
        assert set(changes(play(folder, "cluster"))) == set(CLUSTERS)
        yield folder
    finally:
        play(folder, "cluster_reset")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="embedded clusters need root")
class TestFleet:
    """One run, three clusters, none taken for another."""

    def test_each_cluster_is_its_own(self, state: Path) -> None:
        uids = {
            kubectl(state, name, "get", "namespace", "kube-system")["metadata"]["uid"] for name in CLUSTERS
        }
        assert len(uids) == len(CLUSTERS)

    def test_a_second_run_changes_nothing(self, state: Path) -> None:
        assert changes(play(state, "environments")).keys() == set(CLUSTERS)
        assert set(changes(play(state, "environments")).values()) == {0}
        assert set(changes(play(state, "cluster")).values()) == {0}

    def test_every_cluster_has_every_environment(self, state: Path) -> None:
        changes(play(state, "environments"))
        for name in CLUSTERS:
            items = kubectl(state, name, "get", "namespaces", "-l", "rampart.k8s/environment")["items"]
            assert {item["metadata"]["name"] for item in items} >= {"dev", "staging", "prod"}

    def test_a_limited_run_leaves_the_others_alone(self, state: Path) -> None:
        kubectl(state, "north", "create", "namespace", "only-north")
        assert set(changes(play(state, "environments", "--limit=east"))) == {"east"}
        east = kubectl(state, "east", "get", "namespaces")["items"]
        assert "only-north" not in {item["metadata"]["name"] for item in east}

    def test_a_run_that_reaches_another_cluster_stops_before_any_write(self, state: Path) -> None:
        wrong = kubectl(state, "north", "get", "namespace", "kube-system")["metadata"]["uid"]
        before = kubectl(state, "east", "get", "resourcequotas", "--all-namespaces")
        done = play(state, "environments", "--limit=east", f"--extra-vars=expect_cluster_uid={wrong}")
        assert done.returncode != 0
        assert wrong in done.stdout
        assert kubectl(state, "east", "get", "resourcequotas", "--all-namespaces") == before
