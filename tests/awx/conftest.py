# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One checkout, and one cluster that the job templates make, work on and remove."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support import plays
from tests.support.awx import Controller

INDEX = 21


@pytest.fixture(scope="session")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """What stands for an AWX."""
    return Controller(tmp_path_factory.mktemp("awx"))


@pytest.fixture(scope="session")
def state() -> Iterator[Path]:
    """The folder of the cluster; its path is short, since sockets lie below it."""
    folder = Path(tempfile.mkdtemp(prefix="ra-", dir="/var/tmp"))
    # etcd runs as a user of its own and has to reach what is its.
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def inventory(
    controller: Controller, state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The inventory local as it is tracked, for a cluster of the test's own beside those of others."""
    folder = tmp_path_factory.mktemp("inventory") / "local"
    shutil.copytree(controller.project / "inventories/local", folder)
    own = {
        "cluster_name": "awx",
        "cluster_index": INDEX,
        # One node of a machine can have the bridge, one Cilium; the API is enough for what is shown here.
        "cluster_node_enabled": False,
        "cluster_state_dir": str(state),
        "tools_prefix": str(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rampart"),
        "application_dir": str(controller.project / "examples/ai-backend"),
    }
    (folder / "group_vars/all/zz_own.yml").write_text(yaml.safe_dump(own))
    yield folder
    plays.play(str(folder), "cluster_reset", {"cluster_reset_confirm": True})
