# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import download
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import parse
from ansible_collections.rampart.k8s.plugins.module_utils._tools.mirror import Mirror, parse_sums
from ansible_collections.rampart.k8s.tests.support.file_server import FileServer, serving
from ansible_collections.rampart.k8s.tests.support.tools import entry, sha256, write_mirror

ARCHIVE = b"the bytes of an archive"
NAME = "hello-1.2.3-linux-amd64.tar.gz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_mirror(tmp_path / "mirror", {NAME: ARCHIVE})
    return tmp_path / "mirror"


@pytest.fixture
def plain(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(download, "BACKOFF", (0.0, 0.0, 0.0))
    with serving(tmp_path, tls=False) as (server, _certificate):
        server.files = {f"/tools/{path.name}": path.read_bytes() for path in folder.iterdir()}
        yield server


def test_the_name_of_an_archive() -> None:
    assert Mirror.archive_name(parse(entry(), "amd64"), "amd64") == NAME


def test_a_folder(folder: Path, tmp_path: Path) -> None:
    mirror = Mirror(f"{folder}/")
    assert mirror.sums() == {NAME: sha256(ARCHIVE)}
    mirror.fetch(NAME, tmp_path / "arrived")
    assert (tmp_path / "arrived").read_bytes() == ARCHIVE


def test_a_changed_file_is_refused_with_both_sums(folder: Path, tmp_path: Path) -> None:
    (folder / NAME).write_bytes(b"evil")
    with pytest.raises(RampartError) as raised:
        Mirror(str(folder)).fetch(NAME, tmp_path / "arrived")
    for part in (sha256(ARCHIVE), sha256(b"evil"), str(folder / NAME)):
        assert part in raised.value.message


def test_a_listed_file_that_is_not_there_is_an_error(folder: Path, tmp_path: Path) -> None:
    (folder / NAME).unlink()
    with pytest.raises(RampartError, match=r"names hello.*No such file"):
        Mirror(str(folder)).fetch(NAME, tmp_path / "arrived")


def test_a_mirror_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="Could not read SHA256SUMS"):
        Mirror(str(tmp_path / "nowhere")).sums()


def test_a_changed_list_is_refused_when_its_sum_is_pinned(folder: Path) -> None:
    pin = sha256((folder / "SHA256SUMS").read_bytes())
    assert Mirror(str(folder), pin=pin).sums()
    changed = write_mirror(folder, {NAME: b"evil"})
    with pytest.raises(RampartError) as raised:
        Mirror(str(folder), pin=pin).sums()
    assert pin in raised.value.message
    assert changed in raised.value.message


def test_an_address(plain: FileServer, folder: Path, tmp_path: Path) -> None:
    mirror = Mirror(f"{plain.url}/tools", pin=sha256((folder / "SHA256SUMS").read_bytes()))
    mirror.fetch(NAME, tmp_path / "arrived")
    assert (tmp_path / "arrived").read_bytes() == ARCHIVE
    assert [path for _method, path, _asked in plain.requests] == ["/tools/SHA256SUMS", f"/tools/{NAME}"]


def test_a_plain_address_without_a_pin_is_refused(plain: FileServer) -> None:
    with pytest.raises(RampartError, match="plain http"):
        Mirror(f"{plain.url}/tools")
    assert plain.requests == []


def test_an_https_address_needs_no_pin(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path, tls=True) as (server, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        server.files = {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}
        mirror = Mirror(server.url)
        mirror.fetch(NAME, tmp_path / "arrived")
        assert (tmp_path / "arrived").read_bytes() == ARCHIVE
        server.files[f"/{NAME}"] = b"evil"
        (tmp_path / "arrived").unlink()
        with pytest.raises(RampartError, match=sha256(b"evil")):
            mirror.fetch(NAME, tmp_path / "arrived")


def test_a_mirror_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(RampartError, match=r"Could not read https://127\.0\.0\.1:1/SHA256SUMS"):
        Mirror("https://127.0.0.1:1").sums()


def test_the_format_of_sha256sum() -> None:
    a, b = "a" * 64, "b" * 64
    assert parse_sums(f"{a}  one.tar.gz\n{b} *./two.tar.gz\n\n", "x") == {"one.tar.gz": a, "two.tar.gz": b}


@pytest.mark.parametrize(
    "text", ["<html>", "abc  one.tar.gz", f"{'A' * 64}  one", f"{'a' * 64}  ", f"{'a' * 64}\tone"]
)
def test_a_line_of_another_format_is_an_error(text: str) -> None:
    with pytest.raises(RampartError, match="Line 1 of x"):
        parse_sums(text, "x")


def test_two_sums_for_one_file_are_an_error() -> None:
    with pytest.raises(RampartError, match="two sums"):
        parse_sums(f"{'a' * 64}  one\n{'b' * 64}  one\n", "x")
