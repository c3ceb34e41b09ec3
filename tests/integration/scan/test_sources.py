# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image of a Docker daemon, of containerd and of a registry is the same, and so is its verdict."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.registries import REAL, real_registry

from tests.ground.databases import Databases, tool
from tests.ground.oci import Written
from tests.support import labelled

Ground = tuple[dict[str, Written], dict[str, Databases]]

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="daemons need root")
LONGEST_START = 60


@pytest.fixture(scope="module")
def ground() -> Ground:
    return labelled.ground()


@pytest.fixture(scope="module")
def cached(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Judge the archive first: what has the same digest needs no scanner then."""
    folder = tmp_path_factory.mktemp("sources")
    labelled.judge(folder, [{"archive": str(ground[0]["good-app"].archive)}], ground[1]["current"])
    return folder


def start(command: list[str], socket: Path, log: Path) -> contextlib.AbstractContextManager[None]:
    """Run a daemon until the body ends; it is ready when it takes a question."""

    @contextlib.contextmanager
    def running() -> Iterator[None]:
        with log.open("w") as output:
            daemon = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
            try:
                deadline = time.monotonic() + LONGEST_START
                while not socket.exists():
                    assert daemon.poll() is None, log.read_text()[-2000:]
                    assert time.monotonic() < deadline, "it does not start"
                    time.sleep(0.1)
                yield
            finally:
                daemon.terminate()
                daemon.wait(LONGEST_START)

    return running()


def compare(answer: dict[str, Any], image: Written) -> None:
    [one] = answer["images"]
    assert one["verdict"] == "passed", answer.get("msg")
    assert one["digest"] == image.config_digest
    assert answer["scanners_started"] == 0


def both(folder: Path, entry: dict[str, Any], pair: Databases, **more: Any) -> list[dict[str, Any]]:
    """Judge twice: the second time nothing has to be brought."""
    return [labelled.judge(folder, [entry], pair, **more) for _time in range(2)]


@AS_ROOT
def test_an_image_of_containerd(ground: Ground, cached: Path, tmp_path: Path) -> None:
    image, socket = ground[0]["good-app"], tmp_path / "c.sock"
    command = [
        tool("containerd"),
        f"--root={tmp_path}/root",
        f"--state={tmp_path}/state",
        f"--address={socket}",
        "--config=/dev/null",
    ]
    ctr = [tool("ctr"), f"--address={socket}", "--namespace=k8s.io"]
    more = {"ctr_program": tool("ctr"), "containerd_address": str(socket)}
    with start(command, socket, tmp_path / "log"):
        archive = tmp_path / "oci.tar"
        subprocess.run(["tar", "-C", image.layout, "-cf", archive, "."], check=True)
        name = "registry.example.test/team/good:1"
        imported = [*ctr, "images", "import", "--no-unpack", "--index-name", name, str(archive)]
        subprocess.run(imported, check=True, capture_output=True)
        for answer in both(cached, {"containerd": name}, ground[1]["current"], **more):
            compare(answer, image)
        absent = labelled.judge(cached, [{"containerd": "absent:1"}], ground[1]["current"], **more)
        assert "has no image absent:1" in absent["msg"]


@AS_ROOT
@pytest.mark.skipif(shutil.which("dockerd") is None, reason="there is no dockerd")
def test_an_image_of_a_docker_daemon(ground: Ground, cached: Path, tmp_path: Path) -> None:
    image, socket = ground[0]["good-app"], tmp_path / "d.sock"
    command = [
        str(shutil.which("dockerd")),
        f"--host=unix://{socket}",
        f"--data-root={tmp_path}/data",
        f"--exec-root={tmp_path}/exec",
        f"--pidfile={tmp_path}/pid",
        "--bridge=none",
        "--iptables=false",
        "--storage-driver=vfs",
    ]
    environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}"}
    docker = str(shutil.which("docker"))
    with start(command, socket, tmp_path / "log"):
        load = [docker, "load", f"--input={image.archive}"]
        subprocess.run(load, check=True, capture_output=True, env=environment)
        more = {"docker_program": docker, "docker_host": f"unix://{socket}"}
        for answer in both(cached, {"docker": image.reference}, ground[1]["current"], **more):
            compare(answer, image)
        absent = labelled.judge(cached, [{"docker": "absent:1"}], ground[1]["current"], **more)
        assert "no registry was asked" in absent["msg"]


@pytest.mark.skipif(REAL is None, reason="the registry is not on PATH")
def test_an_image_of_a_registry_by_its_digest(ground: Ground, cached: Path, tmp_path: Path) -> None:
    image = ground[0]["good-app"]
    with contextlib.ExitStack() as stack:
        host = stack.enter_context(real_registry(tmp_path)).partition("//")[2]
        push = [tool("crane"), "push", str(image.layout), f"{host}/team/good:1"]
        subprocess.run(push, check=True, capture_output=True)
        entry = {"registry": f"{host}/team/good@{image.digest}"}
        for answer in both(cached, entry, ground[1]["current"], crane_program=tool("crane")):
            compare(answer, image)
