# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image of a Docker daemon or of a registry is streamed to the nodes, and nothing else is asked for."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import images as packings
from tests.support.containerds import RealContainerd
from tests.support.dockers import RealDocker
from tests.support.layouts import layout
from tests.support.loading import done, load
from tests.support.programs import tool
from tests.support.registries import REAL, real_registry

BIG = 3_000_000


def build(daemon: RealDocker, name: str, *layers: bytes) -> str:
    """Put an image into the daemon and return its id."""
    archive = packings.tar(packings.docker_members(list(layers), tag=name))
    daemon.run("load", content=archive)
    return daemon.id(name)


def test_an_image_of_the_daemon_is_streamed(node: RealContainerd, daemon: RealDocker) -> None:
    name = "test.local/daemon/app:1"
    base = packings.layer({"base": os.urandom(BIG)})
    identity = build(daemon, name, base, packings.layer({"app": b"1"}))
    at: dict[str, Any] = {"source_docker_host": daemon.host}
    answer = done(load([node], {"docker": name}, **at))
    assert answer["images"][0]["id"] == identity
    assert answer["images"][0]["name"] == name
    assert answer["bytes"] > BIG
    assert name in node.unpacked()
    assert not done(load([node], {"docker": name}, **at))["changed"]
    # Only the top changes: the layer below is not sent again.
    changed = build(daemon, name, base, packings.layer({"app": b"2"}))
    second = done(load([node], {"docker": name, "digest": changed}, **at))
    assert second["bytes"] < 40_000
    assert second["images"][0]["id"] == changed
    assert name in node.unpacked()


def test_an_image_with_the_same_layer_twice_is_followed(node: RealContainerd, daemon: RealDocker) -> None:
    name = "test.local/daemon/twice:1"
    twice = packings.layer({"a": os.urandom(50)})
    build(daemon, name, twice, packings.layer({"b": b"b"}), twice)
    done(load([node], {"docker": name}, source_docker_host=daemon.host))
    assert name in node.unpacked()


def test_fault_27_what_the_daemon_has_not_is_an_error(node: RealContainerd, daemon: RealDocker) -> None:
    before = node.names()
    # Docker itself would look for such a name in its own registry.
    answer = load([node], {"docker": "library/alpine:3"}, source_docker_host=daemon.host)
    assert answer["failed"]
    assert "has no image library/alpine:3" in answer["msg"]
    assert "no registry was asked" in answer["next_step"]
    assert node.names() == before
    answer = load([node], {"docker": "app:1"}, source_docker_host="unix:///nowhere.sock")
    assert "has no image app:1" in answer["msg"]


@pytest.fixture
def registry(tmp_path: Path) -> Any:
    if REAL is None:
        pytest.skip("the registry is not on PATH")
    folder = tmp_path / "registry"
    folder.mkdir()
    with real_registry(folder) as url:
        yield url.removeprefix("http://")


def test_an_image_of_a_registry_goes_through_without_being_stored(
    node: RealContainerd, registry: str, tmp_path: Path
) -> None:
    base = {"base": os.urandom(BIG)}
    digests = []
    for number in ("1", "2"):
        digests.append(layout(tmp_path / number, [base, {"app": number.encode()}], compress=True))
        push = [str(tool("crane")), "push", str(tmp_path / number), f"{registry}/team/app:{number}"]
        subprocess.run(push, check=True, capture_output=True)
    crane: dict[str, Any] = {"crane": str(tool("crane"))}
    answer = done(load([node], {"registry": f"{registry}/team/app:1"}, **crane))
    assert answer["images"][0]["digest"] == digests[0]
    assert f"{registry}/team/app:1" in node.unpacked()
    assert answer["bytes"] > BIG
    named = {"registry": f"{registry}/team/app@{digests[1]}", "name": "test.local/fetched:2"}
    second = done(load([node], named, **crane))
    assert second["bytes"] < 30_000
    assert node.names()["test.local/fetched:2"] == digests[1]
    assert not done(load([node], named, **crane))["changed"]
    absent = load([node], {"registry": f"{registry}/team/app:3"}, **crane)
    assert absent["failed"]
    assert "MANIFEST_UNKNOWN" in absent["msg"]


@pytest.mark.parametrize("place", ["alpine:3", "oci:/somewhere", "127.0.0.1:5000/team/app"])
def test_a_registry_has_to_be_named(node: RealContainerd, place: str) -> None:
    answer = load([node], {"registry": place})
    assert answer["failed"]
    assert node.names() == node.names()


def test_a_layer_that_the_registry_changed_moves_no_name(
    node: RealContainerd, registry: str, tmp_path: Path
) -> None:
    digest = layout(tmp_path / "image", [{"a": os.urandom(1000)}])
    push = [str(tool("crane")), "push", str(tmp_path / "image"), f"{registry}/evil:1"]
    subprocess.run(push, check=True, capture_output=True)
    manifest = json.loads((tmp_path / "image/blobs/sha256" / digest.removeprefix("sha256:")).read_text())
    layer = manifest["layers"][0]["digest"].removeprefix("sha256:")
    [kept] = (tmp_path / "registry").rglob(f"{layer}/data")
    kept.write_bytes(kept.read_bytes()[::-1])
    before = node.names()
    answer = load(
        [node], {"registry": f"{registry}/evil:1", "name": "test.local/evil:1"}, crane=str(tool("crane"))
    )
    assert answer["failed"]
    assert node.names() == before
