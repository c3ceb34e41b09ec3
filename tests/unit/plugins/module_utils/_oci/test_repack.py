# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image of any packing is read down to its bytes, and what no image holds is refused by rule."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.choosing import Choice
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layers import Limits
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers, TarMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import open_image
from ansible_collections.rampart.k8s.plugins.module_utils._oci.repack import repack
from ansible_collections.rampart.k8s.plugins.module_utils._oci.tar_walk import TarWalk
from ansible_collections.rampart.k8s.tests.support.images import (
    docker_archive,
    docker_members,
    layer,
    oci_files,
    oci_layout,
    sha256,
    tar,
)
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

LAYERS = [layer({"etc/os-release": b"ID=debian\n"}), layer({"a" * 150: b"x" * 5000, "b/c": b""})]


def repacked(path: Path, target: Path, **limits: int) -> tuple[str, list[dict[str, Any]]]:
    """Return the digest of what lies there, and the listing of the archive that was made of it."""
    members = FolderMembers(path) if path.is_dir() else TarMembers(path)
    image = open_image(members)
    repack(image, target, Limits(**limits))
    with tarfile.open(target) as archive:
        listing = archive.extractfile("manifest.json")
        assert listing is not None
        return image.id, json.loads(listing.read())


def test_every_packing_of_an_image_becomes_the_same_archive(tmp_path: Path) -> None:
    digest = docker_archive(tmp_path / "docker.tar", LAYERS, User="app")
    oci_layout(tmp_path / "layout", LAYERS, User="app")
    (tmp_path / "oci.tar").write_bytes(tar(list(oci_files(LAYERS, User="app").items())))
    both = dict(docker_members(LAYERS, User="app")) | oci_files(LAYERS, User="app")
    (tmp_path / "both.tar").write_bytes(tar(list(both.items())))
    made = {}
    for name in ("docker.tar", "layout", "oci.tar", "both.tar"):
        target = tmp_path / f"{name}.made"
        found, [entry] = repacked(tmp_path / name, target)
        assert found == digest
        assert entry["Layers"] == [f"{sha256(one)}/layer.tar" for one in LAYERS]
        made[name] = target.read_bytes()
    assert len(set(made.values())) == 1


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("compress", [lambda part: gzip.compress(part, mtime=0), zstd.compress])
def test_each_compression_is_taken_off(
    tmp_path: Path, compress: Callable[[bytes], bytes], parts: int
) -> None:
    """A file may consist of several compressed parts, as pigz and zstd write them."""
    whole = layer({"a": os.urandom(3_000_000), "b": b"b" * 3_000_000})
    step = len(whole) // parts + 1
    content = b"".join(compress(whole[start : start + step]) for start in range(0, len(whole), step))
    oci_layout(tmp_path / "layout", [whole], compress=lambda _whole: content)
    repacked(tmp_path / "layout", tmp_path / "made")
    assert whole in (tmp_path / "made").read_bytes()


@pytest.mark.parametrize("compress", [lambda part: gzip.compress(part, mtime=0), zstd.compress])
def test_a_layer_that_is_cut_off_is_refused(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    oci_layout(tmp_path / "layout", LAYERS, compress=lambda whole: compress(whole)[:-20])
    with pytest.raises(RampartError, match="is not what its digest says"):
        repacked(tmp_path / "layout", tmp_path / "made")


def test_what_only_begins_like_a_compression_is_refused(tmp_path: Path) -> None:
    for start in (b"\x1f\x8b", b"\x28\xb5\x2f\xfd"):
        folder = tmp_path / start.hex()
        oci_layout(folder, LAYERS, compress=lambda _whole, start=start: start + b"no compression" * 9)
        with pytest.raises(RampartError, match="cannot be unpacked"):
            repacked(folder, folder / "made")


def test_what_is_made_is_what_was_verified(tmp_path: Path) -> None:
    docker_archive(tmp_path / "image.tar", LAYERS, User="1000")
    image = open_image(TarMembers(tmp_path / "image.tar"))
    assert repack(image, tmp_path / "made") == sum(map(len, LAYERS))
    assert image.user == "1000"
    with tarfile.open(tmp_path / "made") as archive:
        for content in LAYERS:
            stream = archive.extractfile(f"{sha256(content)}/layer.tar")
            assert stream is not None
            assert stream.read() == content


def test_a_layer_that_docker_linked_to_its_first_copy_is_followed(tmp_path: Path) -> None:
    members = docker_members([LAYERS[0], LAYERS[0]])
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members[:2]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        first, second = "1" * 64, "2" * 64
        listing = json.loads(members[0][1])
        listing[0]["Layers"] = [f"{first}/layer.tar", f"{second}/layer.tar"]
        info = tarfile.TarInfo(f"{first}/layer.tar")
        info.size = len(LAYERS[0])
        archive.addfile(info, io.BytesIO(LAYERS[0]))
        link = tarfile.TarInfo(f"{second}/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, f"../{first}/layer.tar"
        archive.addfile(link)
    content = out.getvalue().replace(members[0][1], json.dumps(listing).encode().ljust(len(members[0][1])))
    (tmp_path / "image.tar").write_bytes(content)
    _digest, [entry] = repacked(tmp_path / "image.tar", tmp_path / "made")
    assert entry["Layers"] == [f"{sha256(LAYERS[0])}/layer.tar"] * 2


def special(name: str, kind: bytes, link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member, content in docker_members(LAYERS):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        archive.addfile(info)
    return out.getvalue()


def changed(change: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]) -> bytes:
    return tar(change(docker_members(LAYERS)))


def two_keys(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    config = members[1][1].replace(b'"rootfs"', b'"rootfs": {}, "rootfs"')
    listing = json.loads(members[0][1])
    listing[0]["Config"] = f"{sha256(config)}.json"
    return [("manifest.json", json.dumps(listing).encode()), (f"{sha256(config)}.json", config), *members[2:]]


def two_images() -> bytes:
    return tar([*docker_members([LAYERS[0]]), *oci_files([LAYERS[1]]).items()])


HEX = "a" * 64


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (tar([*docker_members(LAYERS), ("../escaped", b"x")]), "name"),
        (tar([*docker_members(LAYERS), ("/etc/cron.d/x", b"x")]), "name"),
        (tar([*docker_members(LAYERS), (f"{HEX}/../../x", b"x")]), "name"),
        (special(f"{HEX}/layer.tar", tarfile.SYMTYPE, "/etc/shadow"), "link"),
        (special(f"{HEX}/layer.tar", tarfile.SYMTYPE, "../../../etc/shadow"), "link"),
        (special(f"{HEX}/layer.tar", tarfile.LNKTYPE, "/etc/shadow"), "type"),
        (special(f"{HEX}/layer.tar", tarfile.CHRTYPE), "type"),
        (special(f"{HEX}/layer.tar", tarfile.FIFOTYPE), "type"),
        (tar([*docker_members(LAYERS), *docker_members(LAYERS)[:1]]), "twice"),
        (
            tar([*docker_members(LAYERS), *((f"{number:064x}.json", b"") for number in range(10_001))]),
            "members",
        ),
        (tar(docker_members(LAYERS))[:-9000], "whole"),
        (b"this is no archive" * 100, "header"),
        (b"", "whole"),
        (changed(lambda members: members[1:]), "missing"),
        (changed(lambda members: members[:-1]), "missing"),
        (changed(lambda members: [members[0], (members[1][0], b"{}"), *members[2:]]), "digest"),
        (changed(lambda members: [*members[:2], (members[2][0], LAYERS[1]), members[3]]), "digest"),
        (changed(lambda members: [*members[:2], (members[2][0], b"no tar" * 512), members[3]]), "header"),
        (changed(two_keys), "ambiguous"),
        (two_images(), "ambiguous"),
        (tar(docker_members([layer({"../../etc/passwd": b"x"})])), "place"),
        (tar(docker_members([layer({"/etc/passwd": b"x"})])), "place"),
    ],
)
def test_fault_29_what_no_image_holds_is_refused_by_rule(tmp_path: Path, content: bytes, rule: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "image.tar").write_bytes(content)
    with pytest.raises(RampartError) as caught:
        repacked(folder / "image.tar", tmp_path / "made")
    assert caught.value.details["rule"] == rule
    # Nothing but the one file that is ever written.
    assert {path.name for path in tmp_path.iterdir()} <= {"in", "made"}
    assert [path.name for path in folder.iterdir()] == ["image.tar"]


def test_a_layer_of_one_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    docker_archive(path, LAYERS)
    content = bytearray(path.read_bytes())
    content[content.index(b"ID=debian")] ^= 1
    path.write_bytes(content)
    with pytest.raises(RampartError, match="is not what its digest says"):
        repacked(path, tmp_path / "made")


@pytest.mark.parametrize("name", ["index.json", "blobs"])
def test_a_layout_is_not_followed_out_of_its_folder(tmp_path: Path, name: str) -> None:
    oci_layout(tmp_path / "layout", LAYERS)
    target = tmp_path / "layout" / name
    if target.is_dir():
        target = next(path for path in (target / "sha256").iterdir())
    moved = tmp_path / "elsewhere"
    target.rename(moved)
    target.symlink_to(moved)
    with pytest.raises(RampartError):
        repacked(tmp_path / "layout", tmp_path / "made")


def test_one_of_several_is_chosen_by_its_name(tmp_path: Path) -> None:
    first, second = docker_members(LAYERS, tag="a:1"), docker_members(LAYERS, tag="b:1", User="x")
    listing = json.dumps([*json.loads(first[0][1]), *json.loads(second[0][1])]).encode()
    (tmp_path / "two.tar").write_bytes(tar([("manifest.json", listing), *first[1:], second[1]]))
    assert open_image(TarMembers(tmp_path / "two.tar"), Choice("b:1")).user == "x"
    with pytest.raises(RampartError, match="holds 2 images"):
        open_image(TarMembers(tmp_path / "two.tar"))


def test_limits_hold_while_it_is_unpacked(tmp_path: Path) -> None:
    docker_archive(tmp_path / "image.tar", LAYERS)
    for limits, rule in (({"total": 6000}, "size"), ({"files": 2}, "members")):
        with pytest.raises(RampartError) as caught:
            repacked(tmp_path / "image.tar", tmp_path / f"made-{rule}", **limits)
        assert caught.value.details["rule"] == rule


def test_fault_29_a_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    """Much of nothing in very little, and one header that says it has a gigabyte."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as stream:
        for _megabyte in range(128):
            stream.write(b"\0" * 1024 * 1024)
    oci_layout(tmp_path / "gzip", [b""], compress=lambda _whole: packed.getvalue())
    frame = zstd.compress(b"\0" * 256 * 1024 * 1024)
    oci_layout(tmp_path / "zstd", [b""], compress=lambda _whole: frame)
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    (tmp_path / "header.tar").write_bytes(header.tobuf())
    script = textwrap.dedent(
        """
        import re, sys
        from pathlib import Path
        from ansible_collections.rampart.k8s.tests.unit.plugins.module_utils._oci import test_repack
        from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
        for name in ("gzip", "zstd", "header.tar"):
            try:
                test_repack.repacked(Path(sys.argv[1]) / name, Path(sys.argv[1]) / f"{name}.made")
            except RampartError as error:
                print(error.details["rule"])
        # ru_maxrss would count what the process was that this one was started from.
        print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    *rules, megabytes = done.stdout.split()
    assert rules == ["ratio", "ratio", "header"]
    assert int(megabytes) < 200


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text("abc/", min_size=1, max_size=300), st.binary(max_size=2000)), max_size=6),
    st.lists(st.integers(1, 5000), min_size=1, max_size=40),
)
def test_headers_are_found_however_the_stream_is_cut(files: list[tuple[str, bytes]], cuts: list[int]) -> None:
    content = tar([(name.strip("/") or "x", data) for name, data in files])
    walk, found, position = TarWalk(), [], 0
    while position < len(content):
        size = cuts[position % len(cuts)]
        found += [(header.name, header.size) for header in walk.feed(content[position : position + size])]
        position += size
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert found == [(member.name, member.size) for member in archive]
    assert walk.ended
