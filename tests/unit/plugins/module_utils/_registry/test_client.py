# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import Blob, measure
from ansible_collections.rampart.k8s.plugins.module_utils._registry.client import (
    NotUpError,
    Registry,
    parse_address,
)
from ansible_collections.rampart.k8s.tests.support.registries import (
    SmallRegistry,
    free_port,
    small_registry,
)

CONTENT = b"content" * 1000
BLOB = measure(iter((CONTENT,)))


@pytest.fixture
def server() -> Iterator[SmallRegistry]:
    with small_registry() as running:
        yield running


def registry(url: str) -> Registry:
    return Registry(parse_address(url, None))


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://127.0.0.1:5000", "127.0.0.1:5000"),
        ("http://127.9.9.9:5000/", "127.9.9.9:5000"),
        ("http://[::1]:5000", "[::1]:5000"),
        ("http://localhost:5000", "localhost:5000"),
        ("https://registry.example.com", "registry.example.com:443"),
    ],
)
def test_addresses(url: str, authority: str) -> None:
    assert parse_address(url, None).authority == authority


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1:5000", "http://registry.example.com", "http://0.0.0.0:5000"]
)
def test_without_tls_only_this_machine(url: str) -> None:
    with pytest.raises(RampartError, match="without TLS"):
        parse_address(url, None)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:5000",
        "ftp://x",
        "https://",
        "https://x/path",
        "https://u:canary@x",
        "https://x:port",
        "https://x?q=1",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(RampartError, match="not of the form") as caught:
        parse_address(url, None)
    assert "canary" not in str(caught.value)


def test_a_blob_goes_there_and_is_found(server: SmallRegistry) -> None:
    with registry(server.url) as client:
        assert not client.has("a/b", BLOB)
        client.push_blob("a/b", BLOB, iter((CONTENT[:10], CONTENT[10:])))
        assert client.has("a/b", BLOB)
        assert not client.has("a/b", Blob(BLOB.digest, BLOB.size + 1))


def test_the_registry_refuses_other_content(server: SmallRegistry) -> None:
    with registry(server.url) as client, pytest.raises(RampartError, match="400: digest invalid"):
        client.push_blob("a/b", BLOB, (b"y" * len(CONTENT),))


def test_a_tag_is_read_back(server: SmallRegistry) -> None:
    with registry(server.url) as client:
        assert client.tagged("a", "1") == ""
        client.push_manifest("a", "1", CONTENT)
        assert client.tagged("a", "1") == client.read_manifest("a", "1") == BLOB.digest


def test_nobody_there_is_told_apart() -> None:
    with registry(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(NotUpError):
        client.tagged("a", "1")


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_any_other_answer_is_an_error_in_its_own_words(server: SmallRegistry, status: int) -> None:
    server.refuse[("GET", "/v2/a/")] = status
    with registry(server.url) as client, pytest.raises(RampartError, match=f'{status}: .*"DENIED"'):
        client.read_manifest("a", "1")


@pytest.mark.parametrize(
    ("url", "link", "own"),
    [
        ("https://registry.example.com", "https://registry.example.com/v2/x", True),
        ("https://registry.example.com:443", "https://registry.example.com/v2/x", True),
        ("https://registry.example.com:5000", "https://registry.example.com/v2/x", False),
        ("https://registry.example.com", "http://registry.example.com/v2/x", False),
        ("https://registry.example.com", "https://other.example.com/v2/x", False),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/v2/x", True),
    ],
)
def test_the_usual_port_need_not_be_named(url: str, link: str, own: bool) -> None:
    assert parse_address(url, None).leads(urllib.parse.urlsplit(link)) is own


def test_an_upload_stays_at_the_registry(server: SmallRegistry) -> None:
    server.upload_host = "192.0.2.1:443"
    with registry(server.url) as client, pytest.raises(RampartError, match=r"sends uploads to 192\.0\.2\.1"):
        client.push_blob("a", BLOB, (CONTENT,))
    assert server.writes() == ["POST /v2/a/blobs/uploads/"]
