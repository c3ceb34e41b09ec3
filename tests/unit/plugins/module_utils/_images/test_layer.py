# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images import layer
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import (
    Digests,
    MissingSourceError,
    measure,
    measured_layer,
    stream_layer,
)
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Entry


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 1000)
    return [
        Entry("/bin", 0o755),
        Entry("/bin/sh", 0o777, link="tool"),
        Entry("/bin/tool", 0o750, source),
        Entry("/" + "long/" * 60 + "name", 0o644, source),
        Entry("/tmp", 0o1777),
    ]


def settle(entries: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "SETTLED_NANOSECONDS", 0)


def test_the_layer_is_a_plain_tar(entries: list[Entry]) -> None:
    content = b"".join(stream_layer(entries, 86400))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = {member.name: member for member in archive.getmembers()}
        assert list(members) == [entry.path.lstrip("/") for entry in entries]
        assert archive.extractfile("bin/tool").read() == b"x" * 1000  # type: ignore[union-attr]
    assert members["bin/sh"].issym()
    assert members["bin/sh"].linkname == "tool"
    assert (members["tmp"].mode, members["bin/tool"].mode) == (0o1777, 0o750)
    for member in members.values():
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (86400, 0, 0, "", "")


def test_the_digest_does_not_depend_on_the_machine(entries: list[Entry], tmp_path: Path) -> None:
    first = measure(stream_layer(entries, 0))
    other = tmp_path / "copy"
    other.write_bytes(b"x" * 1000)
    other.chmod(0o600)
    os.utime(other, (1, 1))
    copied = [Entry(entry.path, entry.mode, other, "") if entry.source else entry for entry in entries]
    assert measure(stream_layer(copied, 0)) == first
    # Written down once: another Python or another machine must find the same.
    assert first.digest == "sha256:74cea299d4643e31183999b29e2f4a0da517f2aa87bba122a5ab63cb30252a5c"


def test_a_missing_source_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError):
        measure(stream_layer([Entry("/x", 0o755, tmp_path / "none")], 0))


def test_a_source_that_is_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="it is not a file"):
        measure(stream_layer([Entry("/x", 0o755, tmp_path)], 0))


@pytest.mark.parametrize("size", [10, 2_000_000])
def test_a_source_that_changes_while_it_is_read_is_an_error(tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 1_500_000)
    pieces = stream_layer([Entry("/x", 0o755, source)], 0)
    next(pieces)
    os.truncate(source, size)
    with pytest.raises(RampartError, match="changed while it was read"):
        list(pieces)


def test_a_layer_other_than_the_measured_one_is_refused(entries: list[Entry], tmp_path: Path) -> None:
    expected = measure(stream_layer(entries, 0))
    assert measure(measured_layer(entries, 0, expected)) == expected
    (tmp_path / "source").write_bytes(b"y" * 1000)
    with pytest.raises(RampartError, match="changed while it was read"):
        list(measured_layer(entries, 0, expected))


def test_remembered_digests_spare_the_reading(
    entries: list[Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(entries, monkeypatch)
    digests = Digests(tmp_path / "cache/digests.json")
    digests.load()
    blob = digests.layer(entries, 0)
    digests.save()
    monkeypatch.setattr(layer, "measure", lambda pieces: pytest.fail("it was read again"))
    again = Digests(tmp_path / "cache/digests.json")
    again.load()
    assert again.layer(entries, 0) == blob


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b'{"x": 1}'])
def test_an_unreadable_memory_is_no_trouble(entries: list[Entry], tmp_path: Path, content: bytes) -> None:
    (tmp_path / "digests.json").write_bytes(content)
    digests = Digests(tmp_path / "digests.json")
    digests.load()
    assert digests.layer(entries, 0) == measure(stream_layer(entries, 0))


def test_a_changed_file_is_read_again(
    entries: list[Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(entries, monkeypatch)
    digests = Digests(tmp_path / "digests.json")
    first = digests.layer(entries, 0)
    digests.save()
    source = tmp_path / "source"
    before = source.stat()
    source.write_bytes(b"y" * 1000)
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = Digests(tmp_path / "digests.json")
    again.load()
    assert again.layer(entries, 0) != first


def test_a_file_written_just_now_is_not_remembered(entries: list[Entry], tmp_path: Path) -> None:
    digests = Digests(tmp_path / "digests.json")
    digests.layer(entries, 0)
    digests.save()
    assert not (tmp_path / "digests.json").exists()
