# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import archive
from ansible_collections.rampart.k8s.tests.support.tools import tarball

Members = dict[str, "bytes | tarfile.TarInfo"]


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type = kind
    info.linkname = target
    return info


def unpack(tmp_path: Path, content: bytes, data: tuple[str, ...] = ()) -> Path:
    source, out = tmp_path / "hello.tar.gz", tmp_path / "out"
    source.write_bytes(content)
    out.mkdir()
    archive.unpack_mirrored(source, ("bin/hello",), data, out)
    return out


def outside(tmp_path: Path) -> set[str]:
    return {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} - {
        "hello.tar.gz"
    }


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_named_members_land_at_their_places(tmp_path: Path, mode: str) -> None:
    source = tmp_path / "release.tar"
    source.write_bytes(tarball({"./v1/hello": b"program", "v1/README": b"text"}, mode=mode))
    archive.take(source, {"bin/hello": "v1/hello"}, tmp_path / "out")
    program = tmp_path / "out/bin/hello"
    assert program.read_bytes() == b"program"
    assert program.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["hello"]


def test_what_a_release_holds_besides_is_not_looked_at(tmp_path: Path) -> None:
    source = tmp_path / "release.tar.gz"
    source.write_bytes(
        tarball({"../evil": b"x", "/evil": b"x", "l": special(tarfile.SYMTYPE, "/etc"), "h": b"ok"})
    )
    archive.take(source, {"bin/hello": "h"}, tmp_path / "out")
    assert outside(tmp_path) == {"release.tar.gz", "out/bin/hello"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_a_wanted_member_that_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    source = tmp_path / "release.tar.gz"
    source.write_bytes(tarball({"hello": special(kind, "/etc/passwd")}))
    with pytest.raises(RampartError, match="rule type"):
        archive.take(source, {"bin/hello": "hello"}, tmp_path / "out")


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    source = tmp_path / "release.tar.gz"
    source.write_bytes(tarball({"other": b"x"}))
    with pytest.raises(RampartError, match="does not hold hello"):
        archive.take(source, {"bin/hello": "hello"}, tmp_path / "out")


def test_a_mirrored_archive_holds_the_places(tmp_path: Path) -> None:
    members: Members = {
        "./bin": special(tarfile.DIRTYPE),
        "./bin/hello": b"program",
        "share/hello/cfg/a/b.yml": b"a: b",
    }
    out = unpack(tmp_path, tarball(members), ("share/hello/cfg",))
    assert (out / "bin/hello").read_bytes() == b"program"
    assert (out / "share/hello/cfg/a/b.yml").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("name", "member", "rule"),
    [
        ("../evil", b"x", "place"),
        ("bin/../../evil", b"x", "place"),
        ("/tmp/evil", b"x", "place"),
        ("bin/evil", b"x", "place"),
        ("share/hello/cfg/../../../../evil", b"x", "place"),
        ("share/hello/cfgevil", b"x", "place"),
        ("share/hello/cfg/link", special(tarfile.SYMTYPE, "/etc"), "type"),
        ("share/hello/cfg/hard", special(tarfile.LNKTYPE, "/etc/passwd"), "type"),
        ("share/hello/cfg/device", special(tarfile.CHRTYPE), "type"),
        ("share/hello/cfg/pipe", special(tarfile.FIFOTYPE), "type"),
    ],
)
def test_an_attack_is_refused_by_its_rule(
    tmp_path: Path, name: str, member: bytes | tarfile.TarInfo, rule: str
) -> None:
    members: Members = {"share/hello/cfg/a": b"a", name: member, "bin/hello": b"program"}
    with pytest.raises(RampartError, match=f"rule {rule}") as raised:
        unpack(tmp_path, tarball(members), ("share/hello/cfg",))
    assert raised.value.details["rule"] == rule
    assert not [name for name in outside(tmp_path) if "evil" in name or not name.startswith("out/")]


def test_a_member_that_stands_in_it_twice_is_refused(tmp_path: Path) -> None:
    twice = tarball({"bin/hello": b"good"}, mode="w")[:1024] + tarball({"bin/hello": b"evil"}, mode="w")
    with pytest.raises(RampartError, match="rule twice"):
        unpack(tmp_path, twice)


@pytest.mark.parametrize(
    "content", [b"", b"no archive at all", tarball({"bin/hello": b"x" * 100_000}, mode="w")[:50_000]]
)
def test_bytes_that_are_no_whole_archive_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RampartError, match="rule whole"):
        unpack(tmp_path, content)


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    whole = tarball({"bin/hello": bytes(range(256)) * 4000})
    with pytest.raises(RampartError, match="rule whole"):
        unpack(tmp_path, whole[: len(whole) // 2])


def test_the_bounds_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    with pytest.raises(RampartError, match="rule size"):
        unpack(tmp_path, tarball({"bin/hello": b"\0" * 1001}))


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    members: Members = {f"share/hello/cfg/{number}": b"" for number in range(4)}
    with pytest.raises(RampartError, match="rule members"):
        unpack(tmp_path, tarball(members), ("share/hello/cfg",))
