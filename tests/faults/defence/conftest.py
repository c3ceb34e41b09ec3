# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One embedded cluster with environments for all tests of the defence. Needs root and the tools."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.support.own_cluster import OwnCluster, own_cluster
from tests.support.programs import tool

NAME, INDEX = "defence", 46


@pytest.fixture(scope="session")
def cluster() -> Iterator[OwnCluster]:
    """Bring up a cluster with all environments."""
    if os.geteuid() != 0 or not tool("kubelet").exists():
        pytest.skip("needs root and the tools (make site brings them)")
    with own_cluster(NAME, INDEX) as made:
        made.play("environments")
        yield made


@pytest.fixture(scope="session")
def client(cluster: OwnCluster) -> Client:
    return cluster.client(api_timeout=7200)
