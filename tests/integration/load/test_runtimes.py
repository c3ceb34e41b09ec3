# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runtimes of nodes that have no containerd, for real: the Docker Engine, and the storage of CRI-O."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._load.crio import Crio
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import needs
from ansible_collections.rampart.k8s.plugins.module_utils._load.delivery import Delivery
from ansible_collections.rampart.k8s.plugins.module_utils._load.docker_engine import DockerEngine
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import ThisMachine
from ansible_collections.rampart.k8s.plugins.module_utils._load.runtime import Runtime
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import open_image

from tests.support.dockers import RealDocker
from tests.support.layouts import layout

BIG = 3_000_000


def deliver(runtime: Runtime, *images: NodeImage) -> int:
    """Bring images to a node, prove that nothing is lacking afterwards, and return how much was sent."""
    views = [runtime.view(image) for image in images]
    delivery = Delivery(runtime, views, runtime.holding())
    delivery.run()
    assert needs(views, runtime.holding()) == []
    return delivery.sent.bytes


def image(
    folder: Path, layers: Sequence[dict[str, bytes]], name: str, *, compress: bool = False
) -> NodeImage:
    layout(folder, layers, compress=compress)
    return NodeImage.of(open_image(FolderMembers(folder)), name)


def only_what_is_lacking(runtime: Runtime, tmp_path: Path) -> list[NodeImage]:
    base = {"base": os.urandom(BIG)}
    first = image(tmp_path / "1", [base, {"app": b"1"}], "test.local/runtime:1")
    second = image(tmp_path / "2", [base, {"app": b"2"}], "test.local/runtime:2")
    third = image(tmp_path / "3", [{"x": os.urandom(100)}], "test.local/packed:1", compress=True)
    assert deliver(runtime, first) > BIG
    assert deliver(runtime, second, third) < 60_000
    again = NodeImage.of(second.packed, "test.local/runtime:3")
    assert deliver(runtime, again) < 10_000
    return [first, second, third, again]


def test_docker_gets_what_it_lacks(daemon: RealDocker, tmp_path: Path) -> None:
    engine = DockerEngine(ThisMachine("n1", 60), docker=("docker", "--host", daemon.host))
    for each in only_what_is_lacking(engine, tmp_path):
        assert daemon.id(each.name) == each.packed.id
        # All layers are really there: it can give the image out again.
        saved = subprocess.run(
            ["docker", "--host", daemon.host, "save", each.name], capture_output=True, check=True
        )
        assert len(saved.stdout) > sum(layer.blob.size for layer in each.packed.layers if layer.blob) * 0.9


@pytest.fixture
def podman(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """What CRI-O keeps its images in, without CRI-O."""
    program = shutil.which("podman")
    if program is None or os.geteuid() != 0:
        pytest.skip("there is no podman to run as root")
    # It wants a short path for what it keeps while it runs.
    with tempfile.TemporaryDirectory(prefix="rp-") as short:
        command = (program, "--root", str(tmp_path / "root"), "--runroot", short)
        yield command
        subprocess.run([*command, "system", "reset", "--force"], capture_output=True, check=False)


def test_the_storage_of_crio_gets_what_it_lacks(podman: tuple[str, ...], tmp_path: Path) -> None:
    node = Crio(ThisMachine("n1", 60), podman=podman)
    for each in only_what_is_lacking(node, tmp_path):
        done = subprocess.run(
            [*podman, "image", "inspect", each.name], capture_output=True, check=True, text=True
        )
        [found] = json.loads(done.stdout)
        assert (f"sha256:{found['Id']}", found["Digest"]) == (each.packed.id, each.target.digest)
        # A pod that names the digest finds it too.
        subprocess.run([*podman, "image", "exists", each.names[1]], check=True)
