# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image that comes as a stream is read as one on disk is, and refused by the same rules."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Generator
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import TarMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import open_image
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import parse
from ansible_collections.rampart.k8s.plugins.module_utils._oci.registry_members import RegistryMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.streamed import StreamedMembers

from tests.support.images import docker_members, layer, oci_files, sha256, tar
from tests.support.layouts import layout

LAYERS = [layer({"a": os.urandom(70_000)}), layer({"b": b"b"}), layer({"c": os.urandom(3_000)})]


class Source:
    """A stream in pieces of a size that fits nothing, which counts how often it was begun."""

    def __init__(self, content: bytes, step: int = 4099) -> None:
        self._content = content
        self._step = step
        self.begun = 0
        self.ended = 0

    def __call__(self) -> Generator[bytes, None, None]:
        self.begun += 1
        try:
            for start in range(0, len(self._content), self._step):
                yield self._content[start : start + self._step]
        finally:
            self.ended += 1


def members(source: Source) -> StreamedMembers:
    return StreamedMembers("the stream", source, "sha256:id")


@pytest.mark.parametrize("step", [100, 512, 4099, 1 << 20])
@pytest.mark.parametrize("packing", ["docker", "oci"])
def test_a_stream_is_read_as_the_same_archive_on_disk_is(tmp_path: Path, step: int, packing: str) -> None:
    files = docker_members(LAYERS) if packing == "docker" else list(oci_files(LAYERS).items())
    content = tar(files)
    (tmp_path / "image.tar").write_bytes(content)
    source = Source(content, step)
    streamed, on_disk = members(source), TarMembers(tmp_path / "image.tar")
    ours, theirs = open_image(streamed), open_image(on_disk)
    assert (ours.id, ours.digest, ours.layers) == (theirs.id, theirs.digest, theirs.layers)
    assert source.begun == 1
    wanted = [ours.layers[0].file, ours.layers[2].file]
    passed = {name: b"".join(pieces) for name, pieces in streamed.passing(wanted)}
    assert passed == {name: b"".join(on_disk.chunks(name)) for name in wanted}
    assert [streamed.size(name) for name in wanted] == [on_disk.size(name) for name in wanted]
    # One reading for all layers; documents and what is small are kept from the first.
    assert source.begun <= 2
    assert source.ended == source.begun


def test_whoever_stops_early_ends_the_stream() -> None:
    source = Source(tar(docker_members(LAYERS)))
    streamed = members(source)
    image = open_image(streamed)
    for _name, pieces in streamed.passing([image.layers[0].file]):
        next(pieces)
        break
    del pieces, _name
    assert source.ended == 2


def special(name: str, kind: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "/etc/shadow"
        archive.addfile(info)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (tar(docker_members(LAYERS))[:-14_000], "whole"),
        (tar(docker_members(LAYERS))[:40_000], "whole"),
        (tar([*docker_members(LAYERS), ("../escaped", b"x")]), "name"),
        (special("a" * 64 + "/layer.tar", tarfile.SYMTYPE), "link"),
        (special("a" * 64 + "/layer.tar", tarfile.CHRTYPE), "type"),
        (tar([(f"{number:064x}.json", b"") for number in range(10_001)]), "members"),
        (b"no archive" * 300, "header"),
        (b"", "whole"),
    ],
)
def test_what_no_image_holds_is_refused_by_rule(content: bytes, rule: str) -> None:
    source = Source(content)
    with pytest.raises(RampartError) as caught:
        members(source)
    assert caught.value.details["rule"] == rule
    assert source.ended == source.begun == 1


def test_a_stream_that_does_not_end_well_is_not_believed() -> None:
    def broken() -> Generator[bytes, None, None]:
        yield tar(docker_members(LAYERS))
        raise RampartError("docker save failed with code 1")

    with pytest.raises(RampartError, match="docker save failed"):
        StreamedMembers("the stream", broken, "x")


# Stands for crane with a registry in the folder of a layout.
CRANE = """#!/bin/sh
digest="${{2##*sha256:}}"
case "$1" in
  digest) cat {folder}/../digest ;;
  manifest|blob) echo "$1 $digest" >> {folder}/../asked; cat {folder}/blobs/sha256/"$digest" ;;
esac
"""


@pytest.fixture
def crane(tmp_path: Path) -> Cli:
    digest = layout(tmp_path / "layout", [{"a": os.urandom(5000)}, {"b": b"b"}], compress=True)
    (tmp_path / "digest").write_text(digest)
    program = tmp_path / "crane"
    program.write_text(CRANE.format(folder=tmp_path / "layout"))
    program.chmod(0o755)
    return Cli(str(program))


def test_an_image_of_a_registry_is_read_part_by_part(crane: Cli, tmp_path: Path) -> None:
    digest = (tmp_path / "digest").read_text()
    image = open_image(RegistryMembers(parse("registry.test/team/app:1"), crane))
    assert image.digest == digest
    asked = (tmp_path / "asked").read_text().split("\n")
    assert asked == [f"manifest {digest[7:]}", f"blob {image.id[7:]}", ""]
    content = b"".join(image.members.chunks(image.layers[0].file))
    assert sha256(content) == image.layers[0].file.rpartition("/")[2]
    assert image.members.identity() == digest


def test_a_registry_that_gives_another_manifest_is_refused(crane: Cli, tmp_path: Path) -> None:
    digest = (tmp_path / "digest").read_text()
    blobs = tmp_path / "layout/blobs/sha256"
    (blobs / digest[7:]).write_text(json.dumps({"config": {}}))
    with pytest.raises(RampartError, match="rule digest"):
        RegistryMembers(parse(f"registry.test/team/app@{digest}"), crane)
    (tmp_path / "digest").write_text("")
    with pytest.raises(RampartError, match=r"says that .* is nothing"):
        RegistryMembers(parse("registry.test/team/app:1"), crane)
