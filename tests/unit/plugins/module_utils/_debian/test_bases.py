# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bases are made of what was asked for and what that needs; no package decides where its files land."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._debian.apt import machine_mirrors
from ansible_collections.rampart.k8s.plugins.module_utils._debian.resolve import (
    Package,
    check_names,
    closure,
    parse,
)
from ansible_collections.rampart.k8s.plugins.module_utils._debian.rootfs import (
    BUNDLE,
    Account,
    Rootfs,
    complete,
    place,
    target,
)

SHOWN = """\
Package: python3.11
Version: 3.11.2-6+deb12u6
Depends: libpython3.11-stdlib (= 3.11.2-6+deb12u6), media-types | mime-support, libc6 (>= 2.36)
Pre-Depends: base-files
Provides: python3-any, python3-any2 (= 1)
Description: a text
 that goes on
 Depends: nothing
SHA256: aaaa

Package: libc6
Version: 2.36-9
SHA256: bbbb

Package: without-a-sum
Version: 1
"""


def test_what_apt_shows_is_read() -> None:
    found = parse(SHOWN)
    assert list(found) == ["python3.11", "libc6"]
    python = found["python3.11"]
    assert python.depends == (
        ("base-files",),
        ("libpython3.11-stdlib",),
        ("media-types", "mime-support"),
        ("libc6",),
    )
    assert python.provides == ("python3-any", "python3-any2")
    assert (python.version, python.sha256) == ("3.11.2-6+deb12u6", "aaaa")


def archive_of(*packages: Package) -> Callable[[Sequence[str]], Mapping[str, Package]]:
    known = {package.name: package for package in packages}
    return lambda names: {name: known[name] for name in names if name in known}


def package(name: str, *depends: str, provides: Sequence[str] = ()) -> Package:
    return Package(name, "1", name, tuple(tuple(group.split("|")) for group in depends), tuple(provides))


def chosen(wanted: Sequence[str], without: Sequence[str], *packages: Package) -> list[str]:
    return [each.name for each in closure(wanted, without, archive_of(*packages))]


def test_what_is_needed_comes_and_what_is_left_out_brings_nothing() -> None:
    world = (
        package("app", "lib", "tool|other", "debconf"),
        package("lib", "libc"),
        package("libc", "lib"),
        package("tool"),
        package("other"),
        package("debconf", "perl"),
        package("perl"),
    )
    assert chosen(["app"], ["debconf"], *world) == ["app", "lib", "libc", "tool"]
    assert "perl" in chosen(["app"], [], *world)
    # An alternative that is there already, or that is left out, is enough.
    assert "tool" not in chosen(["app", "other"], ["debconf"], *world)
    assert "tool" not in chosen(["app"], ["debconf", "other"], *world)


def test_what_provides_a_need_is_enough() -> None:
    world = (package("app", "mta"), package("postfix", provides=["mta"]))
    assert chosen(["app", "postfix"], [], *world) == ["app", "postfix"]
    with pytest.raises(RampartError, match="No Debian package is called mta"):
        chosen(["app"], [], *world)


@pytest.mark.parametrize("name", ["-oDir=/", "a b", "A", "", "x"])
def test_what_is_no_package_is_refused(name: str) -> None:
    with pytest.raises(RampartError, match="cannot be the name"):
        check_names([name])


def test_the_mirrors_of_this_machine_are_read() -> None:
    said = "Debian http://a/debian/\nDebian http://b/debian/\nDebian-Security http://a/sec\n"
    assert machine_mirrors(said) == {"Debian": "http://a/debian", "Debian-Security": "http://a/sec"}


def tar(members: Sequence[tuple[tarfile.TarInfo, bytes]], packing: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{packing}") as archive:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def info(name: str, **more: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(made, key, value)
    return made


def member(name: str, content: bytes) -> bytes:
    head = f"{name:<16}{'0':<12}{'0':<6}{'0':<6}{'100644':<8}{len(content):<10}`\n".encode()
    return head + content + b"\n" * (len(content) % 2)


def deb(
    folder: Path, *members: tuple[tarfile.TarInfo, bytes], name: str = "demo", packing: str = "xz"
) -> Path:
    """Write a package as dpkg-deb would."""
    control = tar([(info("./control"), f"Package: {name}\nVersion: 1\n".encode())], "gz")
    path = folder / f"{name}.deb"
    data = tar(members, packing)
    path.write_bytes(
        b"!<arch>\n"
        + member("debian-binary", b"2.0\n")
        + member("control.tar.gz", control)
        + member(f"data.tar.{packing}" if packing else "data.tar", data)
    )
    return path


def unpacked(tmp_path: Path, *members: tuple[tarfile.TarInfo, bytes], removed: Sequence[str] = ()) -> Rootfs:
    contents = tmp_path / "contents"
    contents.mkdir()
    rootfs = Rootfs(contents, tuple(removed))
    rootfs.unpack(deb(tmp_path, *members))
    return rootfs


def test_a_package_is_laid_out_without_privileges_and_without_its_papers(tmp_path: Path) -> None:
    rootfs = unpacked(
        tmp_path,
        (info("./bin/", type=tarfile.DIRTYPE, mode=0o755), b""),
        (info("./bin/su", mode=0o4755), b"program"),
        (info("./lib/libdemo.so", type=tarfile.SYMTYPE, linkname="../usr/lib/libdemo.so.1"), b""),
        (info("./usr/bin/again", type=tarfile.LNKTYPE, linkname="./bin/su"), b""),
        (info("./usr/share/doc/demo/copyright"), b"mine"),
        (info("./usr/share/doc/demo/changelog.gz"), b"much"),
        (info("./usr/share/man/man1/su.1"), b"much"),
        (info("./usr/lib/unwanted"), b"x"),
        # As Debian 14 brings them.
        (info("./lib", type=tarfile.SYMTYPE, linkname="usr/lib"), b""),
        (info("./var/lib/demo/", type=tarfile.DIRTYPE, mode=0o700), b""),
        removed=["/usr/lib/unwanted"],
    )
    complete(rootfs, [Account("app", 65532)])
    entries = rootfs.entries
    assert entries["/usr/bin/su"].mode == 0o755
    assert entries["/usr/bin/again"].source == entries["/usr/bin/su"].source
    assert entries["/usr/lib/libdemo.so"].link == "/usr/lib/libdemo.so.1"
    assert (entries["/bin"].link, entries["/lib"].link) == ("usr/bin", "usr/lib")
    assert not entries.keys() & {"/sbin", "/usr/lib"}
    assert entries["/var/lib/demo"].mode == 0o700
    assert "/usr/share/doc/demo/copyright" in entries
    assert not entries.keys() & {
        "/usr/share/doc/demo/changelog.gz",
        "/usr/share/man/man1/su.1",
        "/usr/lib/unwanted",
    }
    described = entries["/var/lib/dpkg/status.d/demo"].source
    assert described is not None
    assert described.read_text().startswith("Package: demo")
    accounts = entries["/etc/passwd"].source
    assert accounts is not None
    assert "app:x:65532:65532::/nonexistent:/sbin/nologin" in accounts.read_text()


def test_the_bundle_of_authorities_is_made_as_the_package_would(tmp_path: Path) -> None:
    folder = "./usr/share/ca-certificates/mozilla"
    rootfs = unpacked(tmp_path, (info(f"{folder}/b.crt"), b"B"), (info(f"{folder}/a.crt"), b"A\n"))
    complete(rootfs, [])
    bundle = rootfs.entries[BUNDLE].source
    assert bundle is not None
    assert bundle.read_bytes() == b"A\nB\n"


@pytest.mark.parametrize(
    "bad",
    [
        (info("../outside"), b"x"),
        (info("./usr/../../outside"), b"x"),
        (info("./dev/sda", type=tarfile.BLKTYPE), b""),
        (info("./usr/bin/x", type=tarfile.LNKTYPE, linkname="./nowhere"), b""),
    ],
    ids=["above", "above from within", "a device", "a second name of nothing"],
)
def test_what_no_package_holds_is_refused(tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes]) -> None:
    with pytest.raises(RampartError, match="not a whole Debian package"):
        unpacked(tmp_path, bad)


@pytest.mark.parametrize("packing", ["xz", "gz", ""])
def test_every_packing_of_debian_is_read(tmp_path: Path, packing: str) -> None:
    rootfs = Rootfs(tmp_path)
    rootfs.unpack(deb(tmp_path, (info("./usr/x"), b"x"), packing=packing))
    assert "/usr/x" in rootfs.entries


def test_a_package_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = deb(tmp_path, (info("./usr/x"), b"x" * 5000))
    content = whole.read_bytes()
    for length in (4, 40, len(content) // 2, len(content) - 40, len(content) - 2):
        cut = tmp_path / "cut.deb"
        cut.write_bytes(content[:length])
        with pytest.raises(RampartError, match="not a whole Debian package"):
            Rootfs(tmp_path).unpack(cut)


def test_links_stay_right_when_their_files_move() -> None:
    assert place(Path("x"), "./lib64/ld.so") == "/usr/lib64/ld.so"
    assert place(Path("x"), "./etc/x") == "/etc/x"
    assert target("./lib/a/b", "c") == "c"
    assert target("./lib/a/b", "/lib/c") == "/lib/c"
    assert target("./usr/lib/a", "../c") == "../c"
