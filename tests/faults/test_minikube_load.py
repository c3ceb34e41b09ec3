# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containerds that are killed, fill up and lose content while images come: no name means a half image."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._load import delivery
from ansible_collections.rampart.k8s.plugins.module_utils._load.nodes import of_sockets
from ansible_collections.rampart.k8s.plugins.module_utils._load.operation import ImageLoad
from ansible_collections.rampart.k8s.plugins.module_utils._load.sources import Sources
from ansible_collections.rampart.k8s.plugins.module_utils._load.wanted import parse
from backports import zstd

from tests.support import images as packings
from tests.support.containerds import CTR, RealContainerd, available, containerd
from tests.support.layouts import layout
from tests.support.loading import done, load
from tests.support.modules import run_killed

pytestmark = pytest.mark.skipif(not available(), reason="there is no containerd to run as root")

MB = 1024 * 1024
PATIENCE = 60


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RealContainerd]:
    with containerd(tmp_path / "node") as daemon:
        yield daemon


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of its own that is soon full."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def image(tmp_path: Path) -> dict[str, Any]:
    """An image that takes a moment: its layers come one after the other."""
    layout(tmp_path / "image", [{"a": os.urandom(40 * MB)}, {"b": os.urandom(40 * MB)}])
    return {"layout": str(tmp_path / "image"), "name": "test.local/app:1"}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def receiving(node: RealContainerd) -> bool:
    """Whether a part of the image is there and another is on its way."""
    store = node.folder / "root" / "io.containerd.content.v1.content"
    return any(path.stat().st_size > MB for path in store.rglob("ingest/*/data")) or any(
        path.stat().st_size > MB for path in store.glob("blobs/sha256/*")
    )


@contextlib.contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join(PATIENCE)


def test_fault_30_a_containerd_that_is_killed_and_comes_back_gets_the_rest(
    node: RealContainerd, image: dict[str, Any]
) -> None:
    def kill_and_start() -> None:
        until(lambda: receiving(node))
        node.kill()
        node.begin()

    with meanwhile(kill_and_start):
        answer = done(load([node], image))
    assert answer["changed"]
    # It was in the middle: something was sent twice.
    assert answer["bytes"] > answer["images"][0]["size"] + MB
    assert image["name"] in node.unpacked()
    assert not done(load([node], image))["changed"]


def test_fault_30_a_containerd_that_stays_away_leaves_no_name(
    node: RealContainerd, image: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "UP_SECONDS", 1.0)

    def kill() -> None:
        until(lambda: receiving(node))
        node.kill()

    with meanwhile(kill):
        answer = load([node], image)
    assert answer["failed"]
    assert answer["loaded"] == {str(node.socket): "failed"}
    assert str(node.socket) in answer["msg"]
    node.start()
    assert node.names() == {}
    done(load([node], image))
    assert image["name"] in node.unpacked()


def test_fault_30_a_disk_that_would_be_full_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    layout(tmp_path / "image", [{"a": os.urandom(30 * MB)}])
    image = {"layout": str(tmp_path / "image"), "name": "test.local/app:1"}
    with small_disk(tmp_path / "disk", 50 * MB) as disk, containerd(disk / "node") as node:
        before = node.blobs()
        answer = load([node], image)
        assert answer["failed"]
        told = answer["nodes"][str(node.socket)]
        assert told["bytes_needed"] > 60 * MB > told["bytes_free"] > 0
        assert f"{told['bytes_needed']} bytes are needed" in answer["msg"]
        assert node.names() == {}
        assert node.blobs() == before


def test_fault_30_a_disk_that_fills_while_it_is_unpacked_leaves_no_name(tmp_path: Path) -> None:
    """Nobody can tell from a compressed layer how much it unpacks to."""
    content = os.urandom(MB) * 60
    packings.oci_layout(tmp_path / "image", [packings.layer({"a": content})], compress=zstd.compress)
    image = {"layout": str(tmp_path / "image"), "name": "test.local/app:1"}
    with small_disk(tmp_path / "disk", 40 * MB) as disk, containerd(disk / "node") as node:
        answer = load([node], image)
        assert answer["failed"]
        assert "The disk of" in answer["msg"]
        assert answer["nodes"][str(node.socket)]["bytes_free"] < 60 * MB
        assert node.names() == {}


def test_fault_33_one_of_two_nodes_fails_and_the_other_is_served(
    node: RealContainerd, tmp_path: Path
) -> None:
    layout(tmp_path / "image", [{"a": os.urandom(30 * MB)}])
    image = {"layout": str(tmp_path / "image"), "name": "test.local/app:1"}
    with small_disk(tmp_path / "disk", 50 * MB) as disk, containerd(disk / "node") as full:
        answer = load([node, full], image)
        assert answer["failed"]
        assert answer["loaded"] == {str(node.socket): "loaded", str(full.socket): "failed"}
        assert f"{full.socket} of 2 nodes did not get the images" in answer["msg"]
        assert image["name"] in node.unpacked()
        assert full.names() == {}


def operation(node: RealContainerd, image: dict[str, Any]) -> ImageLoad:
    sockets = {"sockets": [str(node.socket)], "ctr": str(CTR), "namespace": "k8s.io", "timeout": 60}
    sources = Sources(docker="docker", docker_host="", crane=Cli("crane"), timeout=60)
    return ImageLoad([parse(image)], of_sockets(sockets), sources, Progress(None))


def test_content_that_is_collected_between_the_look_and_the_import_is_sent(
    node: RealContainerd, tmp_path: Path
) -> None:
    layout(tmp_path / "image", [{"a": os.urandom(MB)}, {"b": b"b"}])
    image = {"layout": str(tmp_path / "image"), "name": "test.local/app:1"}
    done(load([node], image))
    loading = operation(node, {**image, "name": "test.local/app:2"})
    plan = loading.plan()
    assert plan.result["bytes"] == 0
    # Without a name nothing holds the content: containerd collects it, layers unpacked or not.
    node.ctr("images", "remove", "--sync", *node.names())
    assert node.blobs() == set()
    loading.apply(plan)
    assert "test.local/app:2" in node.unpacked()
    assert not operation(node, {**image, "name": "test.local/app:2"}).plan().changed


MODULE = (
    "import json, sys; from tests.support.modules import call; "
    "print(call('minikube_load', json.load(sys.stdin)))"
)


def test_a_run_that_is_killed_while_it_sends_leaves_no_name_and_the_next_finishes(
    node: RealContainerd, image: dict[str, Any]
) -> None:
    arguments = {"images": [image], "sockets": [str(node.socket)], "ctr": str(CTR)}
    child = subprocess.Popen(
        [sys.executable, "-c", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert child.stdin is not None
    json.dump(arguments, child.stdin)
    child.stdin.close()
    until(lambda: receiving(node) or child.poll() is not None)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    # Its client reads the end of a stream that is not whole, and ends by itself.
    until(lambda: not clients(node))
    assert node.names() == {}
    done(load([node], image))
    assert image["name"] in node.unpacked()
    assert not done(load([node], image))["changed"]


def clients(node: RealContainerd) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if str(node.socket).encode() in b" ".join(words) and words[0].endswith(b"ctr"):
                found.append(path.parent.name)
    return found


def test_a_run_that_is_killed_at_any_point_is_finished_by_the_next(
    node: RealContainerd, tmp_path: Path
) -> None:
    point, killed = 0, True
    while killed:
        folder = tmp_path / str(point)
        layout(folder, [{"a": os.urandom(1000)}, {"b": str(point).encode()}])
        image = {"layout": str(folder), "name": f"test.local/point:{point}"}
        arguments = {"images": [image], "sockets": [str(node.socket)], "ctr": str(CTR)}
        killed = run_killed("minikube_load", arguments, point=point, folder=folder)
        until(lambda: not clients(node))
        if image["name"] in node.names():
            assert image["name"] in node.unpacked()
        done(load([node], image))
        assert image["name"] in node.unpacked()
        assert not done(load([node], image))["changed"]
        point += 1
    assert point > 5


def test_two_runs_at_once_load_the_same_image(node: RealContainerd, image: dict[str, Any]) -> None:
    answers: list[dict[str, Any]] = []
    operations = [operation(node, image) for _number in range(2)]
    plans = [each.plan() for each in operations]

    def apply(number: int) -> None:
        answers.append(operations[number].apply(plans[number]).result)

    threads = [threading.Thread(target=apply, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [answer["loaded"] for answer in answers] == [{str(node.socket): "loaded"}] * 2
    assert image["name"] in node.unpacked()
