# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node lacks is computed from what it has, and written as one stream that leaves the rest out."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load.containerd import (
    Containerd,
    read_names,
    read_used,
)
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import (
    Holding,
    Need,
    View,
    check_names,
    check_platforms,
    needs,
    planned,
)
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import ThisMachine
from ansible_collections.rampart.k8s.plugins.module_utils._load.stream import partial_layout
from ansible_collections.rampart.k8s.plugins.module_utils._load.wanted import parse
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import open_image

from tests.support.layouts import layout

NAME = "test.local/app:1"


def image(folder: Path, *files: str, name: str = NAME, architecture: str = "amd64") -> NodeImage:
    layout(folder, [{file: file.encode()} for file in files], architecture=architecture)
    return NodeImage.of(open_image(FolderMembers(folder)), name)


def view(one: NodeImage) -> View:
    return Containerd(ThisMachine("n1", 1)).view(one)


def holding(one: NodeImage, *, without: int = 0) -> Holding:
    """What a node has that was given the image, but for its first blobs."""
    return Holding(
        dict.fromkeys(one.names, one.target.digest), frozenset(list(one.blobs)[without:]), "linux/amd64"
    )


def members(all_needs: Sequence[Need]) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(b"".join(partial_layout(all_needs)))) as archive:
        for entry in archive:
            stream = archive.extractfile(entry)
            assert stream is not None
            found[entry.name] = stream.read()
    return found


def test_an_image_has_its_name_and_its_name_by_digest(tmp_path: Path) -> None:
    one = image(tmp_path, "a", name="app:1")
    assert one.names == ("docker.io/library/app:1", f"docker.io/library/app@{one.target.digest}")
    assert {one.target.digest, one.packed.id} == one.digests


def test_a_node_that_has_all_lacks_nothing(tmp_path: Path) -> None:
    one = image(tmp_path, "a", "b")
    assert needs([view(one)], holding(one)) == []
    assert planned([view(one)], holding(one)) == {
        "result": "unchanged",
        "bytes": 0,
        "by_digest": True,
        "moved": {},
    }


def test_an_empty_node_lacks_everything_and_gets_the_index_last(tmp_path: Path) -> None:
    one = image(tmp_path, "a", "b")
    files = members(needs([view(one)], Holding()))
    assert set(files) == {*(blob.file for blob in one.blobs.values()), "oci-layout", "index.json"}
    assert list(files)[-1] == "index.json"
    listed = json.loads(files["index.json"])["manifests"]
    assert {entry["annotations"]["io.containerd.image.name"] for entry in listed} == set(one.names)
    assert {entry["digest"] for entry in listed} == {one.target.digest}


def test_a_new_name_needs_no_blob(tmp_path: Path) -> None:
    one = image(tmp_path, "a")
    had = Holding({}, frozenset(one.blobs))
    assert set(members(needs([view(one)], had))) == {"oci-layout", "index.json"}
    assert planned([view(one)], had)["bytes"] == 0


def test_content_that_is_lacking_is_sent_and_named_again(tmp_path: Path) -> None:
    one = image(tmp_path, "a", "b")
    [lacking] = needs([view(one)], holding(one, without=1))
    assert lacking.names == ()
    files = members([lacking])
    assert len(files) == 3
    assert len(json.loads(files["index.json"])["manifests"]) == 2


def test_what_two_images_share_is_sent_once(tmp_path: Path) -> None:
    both = [image(tmp_path / "1", "base", "one"), image(tmp_path / "2", "base", "two", name="test.local/b:1")]
    first, second = needs(map(view, both), Holding())
    shared = set(both[0].blobs) & set(both[1].blobs)
    assert shared
    assert not shared & {*second.parts}
    assert first.size > second.size


def test_a_damaged_blob_is_noticed_before_anything_is_named(tmp_path: Path) -> None:
    one = image(tmp_path, "a", "b")
    blob = one.packed.layers[0].blob
    assert blob is not None
    path = tmp_path / blob.file
    path.write_bytes(path.read_bytes().replace(b"a", b"A"))
    sent: list[bytes] = []
    with pytest.raises(RampartError, match="rule"):
        sent.extend(partial_layout(needs([view(one)], Holding())))
    assert b"index.json" not in b"".join(sent)


def test_what_a_container_runs_is_told(tmp_path: Path) -> None:
    one = image(tmp_path, "a")
    old = f"sha256:{'1' * 64}"
    names = {NAME: old, f"test.local/app@{old}": old}
    for used, expected in ((frozenset(), False), (frozenset({NAME}), True), (frozenset(names), True)):
        had = Holding(names, frozenset(one.blobs), "linux/amd64", used)
        moved = planned([view(one)], had)["moved"]
        assert moved[NAME] == {"before": old, "after": one.target.digest, "in_use": expected}
        assert not moved[one.names[1]]["in_use"]


def test_a_name_for_two_images_is_refused(tmp_path: Path) -> None:
    both = [image(tmp_path / "1", "a"), image(tmp_path / "2", "b")]
    check_names([both[0], both[0]])
    with pytest.raises(RampartError, match="would mean two images"):
        check_names(both)


@pytest.mark.parametrize(("node", "fits"), [("linux/arm64", True), ("linux/amd64", False), ("", True)])
def test_an_image_for_another_architecture_is_refused(tmp_path: Path, node: str, fits: bool) -> None:
    one = image(tmp_path, "a", architecture="arm64")
    if fits:
        check_platforms([one], {"n1": Holding(platform=node)})
        return
    with pytest.raises(RampartError, match=r"made for linux/arm64, but n2 is linux/amd64") as caught:
        check_platforms([one], {"n1": Holding(platform="linux/arm64"), "n2": Holding(platform=node)})
    assert caught.value.details["nodes"] == ["n2"]


# As ctr 2.4 prints it: the second name is not yet seen by the kubelet's side.
KIND = "application/vnd.oci.image.manifest.v1+json"
LISTED = f"""\
REF               TYPE   DIGEST            SIZE    PLATFORMS   LABELS
test.local/a:1    {KIND} sha256:{"a" * 64} 2.9 MiB linux/amd64 io.cri-containerd.image=managed
test.local/b:1    {KIND} sha256:{"b" * 64} 0.0 B   -           -
"""


def test_names_are_read_as_the_kubelet_sees_them() -> None:
    assert read_names(LISTED, taken_up=False) == {
        "test.local/a:1": f"sha256:{'a' * 64}",
        "test.local/b:1": f"sha256:{'b' * 64}",
    }
    assert list(read_names(LISTED, taken_up=True)) == ["test.local/a:1"]
    assert read_names("REF TYPE\n", taken_up=True) == {}
    assert read_used("CONTAINER    IMAGE    RUNTIME\nabc    test.local/a:1    io\nx\n") == ["test.local/a:1"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({}, "names no source"),
        ({"layout": "/a", "archive": "/b"}, "names layout and archive"),
        ({"layout": "a"}, "not an absolute path"),
        ({"layout": "/a", "name": "--option"}, "cannot be the name"),
        ({"layout": "/a", "name": "a b"}, "cannot be the name"),
        ({"layout": "/a", "name": "a@sha256:0"}, "cannot be the name"),
        ({"layout": "/a", "digest": "latest"}, "no sha256 digest"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(entry: dict[str, str], why: str) -> None:
    with pytest.raises(RampartError, match=why):
        parse(entry)


def test_a_digest_picks_by_digest_and_a_name_by_name() -> None:
    digest = f"sha256:{'a' * 64}"
    assert parse({"layout": "/a", "reference": digest}).choice.digest == digest
    assert parse({"layout": "/a", "reference": "1.2"}).choice.name == "1.2"


def test_an_image_without_a_whole_name_needs_one(tmp_path: Path) -> None:
    layout(tmp_path / "a", [{"a": b"a"}], tag="1")
    wanted = parse({"layout": str(tmp_path / "a")})
    with pytest.raises(RampartError, match="says no whole name"):
        wanted.for_nodes(open_image(FolderMembers(tmp_path / "a")))
