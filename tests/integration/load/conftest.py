# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes for all tests of loading: real containerds, which each test uses under names of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import dockers
from tests.support.containerds import RealContainerd, available, containerd


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealContainerd, RealContainerd]]:
    if not available():
        pytest.skip("there is no containerd to run as root")
    folder = tmp_path_factory.mktemp("nodes")
    with containerd(folder / "one") as one, containerd(folder / "two") as two:
        yield one, two


@pytest.fixture
def node(nodes: tuple[RealContainerd, RealContainerd]) -> RealContainerd:
    return nodes[0]


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dockers.RealDocker]:
    if not dockers.available():
        pytest.skip("there is no Docker Engine to run as root")
    with dockers.docker(tmp_path_factory.mktemp("docker")) as daemon:
        yield daemon
