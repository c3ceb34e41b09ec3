# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipeline, from sources to a release that serves, inside of the execution environment."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.container_group import FOLDER, ContainerGroup
from tests.support.example_site import NAME as SITE
from tests.support.example_site import Site
from tests.support.modules import call
from tests.support.programs import tool

NAME = "rampart.local/execution-environment"
# What a job that builds finds of the node: where BuildKit's steps are counted.
CGROUPS = Path("/sys/fs/cgroup")


def into_the_node(site: Site) -> None:
    """Load what was built, as AWX's node would pull it: only with its signature."""
    answer = call(
        "minikube_load",
        {
            "images": [{"layout": str(site.base / "images/execution-environment"), "name": f"{NAME}:test"}],
            "sockets": [str(site.base / SITE / "run/containerd/containerd.sock")],
            "ctr": str(tool("ctr")),
            "crane": str(tool("crane")),
            "cosign": str(tool("cosign")),
            "keyring": str(site.base / "signing/keyring.json"),
        },
    )
    assert answer.get("changed"), answer


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The ground without the application, and the image in its node."""
    if os.geteuid() != 0 or not tool("kubelet").exists():
        pytest.skip("needs root and the tools")
    made = Site.below(Path(tempfile.mkdtemp(prefix="re-", dir="/var/tmp")))
    try:
        made.clone()
        made.play("site", "--tags=tools,cluster,environments,secrets")
        made.play("execution_environment")
        into_the_node(made)
        yield made
    finally:
        made.play("cluster_reset")
        shutil.rmtree(made.base, ignore_errors=True)


@pytest.fixture(scope="module")
def inventory(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory local, as a job in a pod finds it."""
    folder = tmp_path_factory.mktemp("inventory") / "local"
    shutil.copytree(site.sources / "inventories/local", folder)
    own = {
        **site.variables,
        "application_dir": str(FOLDER / "project/examples/ai-backend"),
        "tools_prefix": str(tool("kubelet").parents[1]),
    }
    (folder / "group_vars/all/zz_own.yml").write_text(yaml.safe_dump(own))
    return folder


def test_the_pipeline_runs_in_it(
    site: Site, inventory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A pod builds, judges, signs, loads, packages, delivers and verifies; a second one changes nothing."""
    kubectl = [str(tool("kubectl")), f"--kubeconfig={site.kubeconfig}", "--namespace=default"]
    folders = [site.base, tool("kubelet").parents[1], CGROUPS]
    group = ContainerGroup(tmp_path_factory.mktemp("group"), kubectl, f"{NAME}:test", folders)
    for again in (False, True):
        job = group.launch("rampart pipeline", {}, inventory=inventory, credentials={}, limit="local")
        assert job.status == "successful", job.stdout[-6000:]
        assert job.changed["local"] == 0 or not again, job.stdout[-6000:]
        assert job.artifacts["rampart_delivered"]["images"]
    assert site.live().status == "deployed"
    site.serves()
