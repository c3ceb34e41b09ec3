# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images are loaded into real containerds, and what is there is read from the containerds themselves."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support import images as packings
from tests.support.containerds import RealContainerd
from tests.support.layouts import layout, put
from tests.support.loading import Nodes, done, load

BIG = 3_000_000


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image whose content no other test has."""
    layout(tmp_path / "image", [{"base": os.urandom(BIG)}, {"app": os.urandom(100)}], compress=True)
    return tmp_path / "image"


def test_check_do_check_do(nodes: Nodes, image: Path) -> None:
    name = "test.local/quartet:1"
    wanted = {"layout": str(image), "name": name}
    before = [(node.names(), node.blobs()) for node in nodes]
    predicted = done(load([*nodes], wanted, check=True))
    assert predicted["changed"]
    assert [(node.names(), node.blobs()) for node in nodes] == before

    answer = done(load([*nodes], wanted))
    assert answer["changed"]
    assert {entry["result"] for entry in answer["nodes"].values()} == {"loaded"}
    assert answer["diff"] == predicted["diff"]
    [entry] = answer["images"]
    for node in nodes:
        assert node.names()[name] == entry["digest"]
        assert node.names()[f"test.local/quartet@{entry['digest']}"] == entry["digest"]
        assert {name, entry["by_digest"]} <= node.unpacked()
        assert {path.name for path in (image / "blobs/sha256").iterdir()} <= {
            digest.removeprefix("sha256:") for digest in node.blobs()
        }

    for check in (True, False):
        again = done(load([*nodes], wanted, check=check))
        assert not again["changed"]
        assert again["bytes"] == 0


def test_only_what_a_node_lacks_is_sent(node: RealContainerd, tmp_path: Path) -> None:
    base = {"base": os.urandom(BIG)}
    for number in (1, 2):
        layout(tmp_path / str(number), [base, {"app": os.urandom(1000)}])
    first = done(load([node], {"layout": str(tmp_path / "1"), "name": "test.local/part:1"}))
    second = done(load([node], {"layout": str(tmp_path / "2"), "name": "test.local/part:2"}))
    assert first["bytes"] > BIG
    assert second["bytes"] < 30_000
    assert "test.local/part:2" in node.unpacked()


def test_a_new_name_costs_no_layer(node: RealContainerd, image: Path) -> None:
    done(load([node], {"layout": str(image), "name": "test.local/retag:1"}))
    answer = done(load([node], {"layout": str(image), "name": "test.local/retag:2"}))
    assert answer["changed"]
    assert answer["bytes"] < 5000
    assert node.names()["test.local/retag:2"] == node.names()["test.local/retag:1"]


def test_what_two_images_share_is_sent_once(node: RealContainerd, tmp_path: Path) -> None:
    base = {"base": os.urandom(BIG)}
    wanted = []
    for number in ("a", "b"):
        layout(tmp_path / number, [base, {number: os.urandom(1000)}])
        wanted.append({"layout": str(tmp_path / number), "name": f"test.local/share/{number}:1"})
    answer = done(load([node], *wanted))
    assert answer["bytes"] < 2 * BIG
    assert {entry["name"] for entry in wanted} <= node.unpacked()


def test_each_node_gets_what_it_lacks_itself(nodes: Nodes, image: Path) -> None:
    one, two = nodes
    wanted = {"layout": str(image), "name": "test.local/each:1"}
    done(load([one], wanted))
    answer = done(load([one, two], wanted))
    assert answer["loaded"] == {str(one.socket): "unchanged", str(two.socket): "loaded"}
    assert two.names()["test.local/each:1"] == one.names()["test.local/each:1"]


def test_fault_31_a_name_moves_to_another_image(node: RealContainerd, image: Path, tmp_path: Path) -> None:
    name = "test.local/moves:1"
    old = done(load([node], {"layout": str(image), "name": name}))["images"][0]["digest"]
    layout(tmp_path / "new", [{"new": os.urandom(100)}])
    answer = done(load([node], {"layout": str(tmp_path / "new"), "name": name}))
    moved = answer["nodes"][str(node.socket)]["moved"][name]
    assert moved == {"before": old, "after": answer["images"][0]["digest"], "in_use": False}
    assert node.names()[name] == answer["images"][0]["digest"]
    # What the old name by digest leads to stays: a rollback still finds it.
    assert node.names()[f"test.local/moves@{old}"] == old


@pytest.mark.parametrize("packing", ["docker", "oci", "gzip"])
def test_an_archive_gives_the_same_image_as_long_as_it_is_the_same(
    node: RealContainerd, tmp_path: Path, packing: str
) -> None:
    layers = [packings.layer({"a": os.urandom(1000), packing: b""})]
    archive = tmp_path / "image.tar"
    if packing == "oci":
        files = packings.oci_files(layers, name=f"test.local/archive/{packing}:1")
        archive.write_bytes(packings.tar(list(files.items())))
    elif packing == "docker":
        packings.docker_archive(archive, layers, tag=f"test.local/archive/{packing}:1")
    else:
        members = packings.docker_members(layers, tag=f"test.local/archive/{packing}:1")
        archive.write_bytes(packings.tar([*members[:2], (members[2][0], packings.gzipped(layers[0]))]))
    wanted = {"archive": str(archive)}
    answer = done(load([node], wanted))
    assert answer["images"][0]["name"] == f"test.local/archive/{packing}:1"
    assert f"test.local/archive/{packing}:1" in node.unpacked()
    assert json.loads(node.ctr("content", "get", answer["images"][0]["id"]))["os"] == "linux"
    assert not done(load([node], wanted))["changed"]


def test_one_platform_of_an_image_for_several_is_chosen_and_never_guessed(
    node: RealContainerd, image: Path, tmp_path: Path
) -> None:
    index = json.loads((image / "index.json").read_text())
    here = {**index["manifests"][0], "platform": {"os": "linux", "architecture": "amd64"}}
    del here["annotations"]
    # Another platform's image is named, and not there.
    other = {**here, "digest": f"sha256:{'1' * 64}", "platform": {"os": "linux", "architecture": "arm64"}}
    kind = "application/vnd.oci.image.index.v1+json"
    several = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [here, other]}).encode()
    (image / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "manifests": [put(image, several, kind)]})
    )
    wanted = {"layout": str(image), "name": "test.local/several:1"}
    refused = load([node], wanted)
    assert refused["failed"]
    assert "linux/amd64" in refused["msg"]
    assert "linux/arm64" in refused["msg"]
    answer = done(load([node], {**wanted, "platform": "linux/amd64"}))
    assert node.names()["test.local/several:1"] == answer["images"][0]["digest"]
    assert answer["images"][0]["digest"] not in (here["digest"], other["digest"])
    assert "test.local/several:1" in node.unpacked()
    assert not done(load([node], {**wanted, "platform": "linux/amd64"}))["changed"]


def test_fault_33_an_image_for_another_architecture_is_refused(node: RealContainerd, tmp_path: Path) -> None:
    folder = tmp_path / "image"
    layout(folder, [{"a": b"a"}], architecture="arm64")
    before = node.names()
    answer = load([node], {"layout": str(folder), "name": "test.local/arm:1"})
    assert answer["failed"]
    assert "is made for linux/arm64" in answer["msg"]
    assert answer["nodes"] == [str(node.socket)]
    assert node.names() == before


def test_fault_37_what_is_not_what_was_judged_is_refused(node: RealContainerd, image: Path) -> None:
    good = done(load([node], {"layout": str(image), "name": "test.local/judged:1"}))["images"][0]
    for digest in (good["digest"], good["id"]):
        done(load([node], {"layout": str(image), "name": "test.local/judged:1", "digest": digest}))
    layout(image, [{"other": os.urandom(10)}])
    before = node.names()
    answer = load([node], {"layout": str(image), "name": "test.local/judged:1", "digest": good["digest"]})
    assert answer["failed"]
    assert "it changed in between" in answer["msg"]
    assert node.names() == before


def flip(content: bytes) -> bytes:
    place = content.rindex(b"marker")
    return content[:place] + b"M" + content[place + 1 :]


@pytest.mark.parametrize(
    "harm", [flip, lambda content: content[: content.rindex(b"marker")], lambda _content: b"no archive"]
)
def test_fault_28_a_damaged_archive_moves_no_name(node: RealContainerd, tmp_path: Path, harm: Any) -> None:
    layers = [packings.layer({"a": os.urandom(50_000)}), packings.layer({"b": b"marker" + os.urandom(9_000)})]
    archive = tmp_path / "image.tar"
    archive.write_bytes(harm(packings.tar(packings.docker_members(layers))))
    before = node.names()
    answer = load([node], {"archive": str(archive), "name": "test.local/damaged:1"})
    assert answer["failed"]
    assert "is refused (rule" in answer["msg"]
    assert node.names() == before


def test_a_layout_that_lost_a_byte_moves_no_name(node: RealContainerd, image: Path) -> None:
    largest = max((image / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(content[:1000] + bytes([content[1000] ^ 1]) + content[1001:])
    before = node.names()
    answer = load([node], {"layout": str(image), "name": "test.local/byte:1"})
    assert answer["failed"]
    assert "rule digest" in answer["msg"] or "rule whole" in answer["msg"]
    assert node.names() == before


def test_fault_29_a_bomb_moves_no_name(node: RealContainerd, tmp_path: Path) -> None:
    zeros = packings.gzipped(b"\0" * 80 * 1024 * 1024)
    packings.oci_layout(tmp_path / "bomb", [b""], compress=lambda _whole: zeros)
    before = node.names()
    answer = load([node], {"layout": str(tmp_path / "bomb"), "name": "test.local/bomb:1"})
    assert answer["failed"]
    assert "rule ratio" in answer["msg"]
    assert node.names() == before


def test_content_that_was_lost_is_brought_again(node: RealContainerd, image: Path) -> None:
    wanted = {"layout": str(image), "name": "test.local/lost:1"}
    answer = done(load([node], wanted))
    manifest = json.loads(node.ctr("content", "get", answer["images"][0]["digest"]))
    lost = manifest["layers"][0]["digest"]
    node.ctr("content", "delete", lost)
    assert lost not in node.blobs()
    again = done(load([node], wanted))
    assert again["changed"]
    assert again["bytes"] > BIG
    assert lost in node.blobs()
    assert not done(load([node], wanted))["changed"]


def test_fault_27_what_is_not_there_is_an_error_and_in_check_mode_to_come(
    node: RealContainerd, tmp_path: Path
) -> None:
    before = node.names()
    for wanted in ({"layout": str(tmp_path / "no")}, {"archive": str(tmp_path / "no.tar")}):
        entry = {**wanted, "name": "test.local/no:1"}
        assert load([node], entry)["failed"]
        predicted = done(load([node], entry, check=True))
        assert predicted["changed"]
        assert "is not made yet" in predicted["reason"]
    assert node.names() == before


def test_a_node_that_does_not_answer_stops_all_before_anything_is_sent(
    node: RealContainerd, image: Path, tmp_path: Path
) -> None:
    wanted = [{"layout": str(image), "name": "test.local/away:1"}]
    sockets: dict[str, Any] = {"sockets": [str(node.socket), str(tmp_path / "away.sock")]}
    before = node.names()
    answer = load([node], *wanted, **sockets)
    assert answer["failed"]
    assert f"{tmp_path}/away.sock cannot be asked" in answer["msg"]
    assert node.names() == before
    assert done(load([node], *wanted, check=True, **sockets))["changed"]


def test_no_file_is_written_beside_the_image(node: RealContainerd, image: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "packed"), "tar", image)
    before = sorted(tmp_path.rglob("*"))
    os.environ["TMPDIR"] = str(tmp_path)
    try:
        done(load([node], {"archive": str(tmp_path / "packed.tar"), "name": "test.local/nofile:1"}))
    finally:
        del os.environ["TMPDIR"]
    assert sorted(tmp_path.rglob("*")) == before
