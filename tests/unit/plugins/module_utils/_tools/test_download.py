# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import download
from ansible_collections.rampart.k8s.plugins.module_utils._tools.download import Downloader
from ansible_collections.rampart.k8s.tests.support.file_server import FileServer, serving
from ansible_collections.rampart.k8s.tests.support.tools import sha256

CONTENT = bytes(range(256)) * 2000


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(download, "BACKOFF", (0.0, 0.0, 0.0))
    with serving(tmp_path, tls=True) as (running, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        running.files["/hello"] = CONTENT
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "download"


def fetch(server: FileServer, target: Path, *, expected: bytes = CONTENT, limit: int = 10**9) -> None:
    Downloader().fetch(f"{server.url}/hello", target, sha256(expected), limit=limit)


def test_a_file_arrives(server: FileServer, target: Path) -> None:
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mode & 0o777 == 0o600
    assert len(server.requests) == 1


def test_a_broken_transfer_goes_on_where_it_ended(server: FileServer, target: Path) -> None:
    server.breaks = 2
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    half, quarter = len(CONTENT) // 2, len(CONTENT) // 4
    assert [asked for _method, _path, asked in server.requests] == [
        "",
        f"bytes={half}-",
        f"bytes={half + quarter}-",
    ]


def test_a_server_without_ranges_sends_it_all_again(server: FileServer, target: Path) -> None:
    server.breaks, server.ranges = 1, False
    fetch(server, target)
    assert target.read_bytes() == CONTENT


def test_a_file_that_changed_between_two_parts_is_got_again_whole(server: FileServer, target: Path) -> None:
    server.breaks = 1
    old = b"\0" * len(CONTENT)
    server.files["/hello"] = old
    real = Downloader._append

    def change_after_the_break(self: Downloader, *arguments: object) -> bool:
        try:
            return real(self, *arguments)  # type: ignore[arg-type]
        finally:
            server.files["/hello"] = CONTENT

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Downloader, "_append", change_after_the_break)
        fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert [asked for _method, _path, asked in server.requests] == ["", f"bytes={len(CONTENT) // 2}-", ""]


@pytest.mark.parametrize("codes", [[503], [429, 500, 502]])
def test_a_passing_fault_is_tried_again(server: FileServer, target: Path, codes: list[int]) -> None:
    server.codes = list(codes)
    fetch(server, target)
    assert len(server.requests) == len(codes) + 1


def test_a_lasting_fault_ends(server: FileServer, target: Path) -> None:
    server.codes = [503] * 10
    with pytest.raises(RampartError, match="Could not download"):
        fetch(server, target)
    assert len(server.requests) == download.ATTEMPTS


def test_a_missing_file_is_not_tried_again(server: FileServer, target: Path) -> None:
    del server.files["/hello"]
    with pytest.raises(RampartError, match="Not Found"):
        fetch(server, target)
    assert len(server.requests) == 1


def test_a_tampered_file_is_refused_with_both_sums_and_asked_for_once(
    server: FileServer, target: Path
) -> None:
    evil = CONTENT[:-1] + b"!"
    server.files["/hello"] = evil
    with pytest.raises(RampartError) as raised:
        fetch(server, target)
    assert sha256(CONTENT) in raised.value.message
    assert sha256(evil) in raised.value.message
    assert f"{server.url}/hello" in raised.value.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("declared", [True, False])
def test_more_bytes_than_allowed_are_refused(server: FileServer, target: Path, declared: bool) -> None:
    server.declare_length = declared
    with pytest.raises(RampartError, match="larger than 1000 bytes"):
        fetch(server, target, limit=1000)
    assert not target.exists() or target.stat().st_size <= 1000


def test_plain_http_is_refused_before_anything_is_sent(target: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tls=False) as (plain, _certificate):
        plain.files["/hello"] = CONTENT
        with pytest.raises(RampartError, match="only https addresses"):
            fetch(plain, target)
        assert plain.requests == []


def test_a_redirection_to_plain_http_is_refused(server: FileServer, target: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tls=False) as (plain, _certificate):
        plain.files["/hello"] = CONTENT
        server.redirects["/hello"] = f"{plain.url}/hello"
        with pytest.raises(RampartError, match="redirects to a http address"):
            fetch(server, target)
        assert plain.requests == []


def test_a_redirection_within_https_is_followed(server: FileServer, target: Path) -> None:
    server.files["/there"] = CONTENT
    server.redirects["/hello"] = f"{server.url}/there"
    fetch(server, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "//x", "x"])
def test_other_schemes_are_refused(target: Path, url: str) -> None:
    with pytest.raises(RampartError, match="only https addresses"):
        Downloader().fetch(url, target, sha256(b""))


def test_an_unknown_authority_is_refused(
    server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(RampartError, match="certificate verify failed"):
        fetch(server, target)


def test_a_planted_link_is_not_written_through(server: FileServer, target: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    target.symlink_to(victim)
    with pytest.raises(RampartError, match="Could not download"):
        fetch(server, target)
    assert victim.read_bytes() == b""


def test_trouble_names_what_is_wrong(server: FileServer) -> None:
    downloader = Downloader()
    assert downloader.trouble(f"{server.url}/hello") == ""
    assert downloader.trouble(f"{server.url}/other").endswith("/other answers 404")
    assert "cannot be reached" in downloader.trouble("https://127.0.0.1:1/hello")
    assert [method for method, _path, _asked in server.requests] == ["HEAD", "HEAD"]


def test_a_password_in_an_address_is_not_shown(target: Path) -> None:
    with pytest.raises(RampartError) as raised:
        Downloader().fetch("ftp://user:hunter2-canary@x.test/f?token=hunter2-canary", target, "")
    assert "hunter2" not in str(raised.value)
