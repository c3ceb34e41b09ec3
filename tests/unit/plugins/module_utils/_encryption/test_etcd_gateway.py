# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway against a server that says what a broken or hostile etcd could say."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import Tally
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Endpoint, Gateway
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.source import count

Answer = Callable[[str, dict[str, Any]], tuple[int, str]]
Serve = Callable[[Answer], Gateway]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = []

    def start(answer: Answer) -> Gateway:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, text = answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_unused: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return Gateway(Endpoint(f"http://127.0.0.1:{server.server_address[1]}", timeout=5.0))

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def kv(key: str, value: str = "v", revision: int = 1) -> dict[str, str]:
    encoded = {
        name: base64.b64encode(text.encode()).decode() for name, text in (("key", key), ("value", value))
    }
    return {**encoded, "mod_revision": str(revision)}


def whole(**more: Any) -> str:
    return json.dumps({"header": {"revision": "7"}, **more})


def events(*lines: dict[str, Any]) -> str:
    return "".join(json.dumps({"result": line}) + "\n" for line in lines)


def test_pages_grow_and_go_on_after_the_last_key(serve: Serve) -> None:
    keys = [f"/registry/secrets/{number:03}" for number in range(300)]
    asked = []

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, str]:
        asked.append(body["limit"])
        start = base64.b64decode(body["key"]).decode()
        left = [key for key in keys if key >= start]
        return 200, whole(kvs=[kv(key) for key in left[: body["limit"]]], more=len(left) > body["limit"])

    found = [value.key.decode() for value in serve(answer).values(b"/registry/", 7)]
    assert found == keys
    assert asked == [64, 128, 256]


def test_large_values_make_small_pages(serve: Serve) -> None:
    asked = []

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, str]:
        asked.append(body["limit"])
        number = len(asked)
        return 200, whole(kvs=[kv(f"/registry/{number}", "x" * 3_000_000)], more=number < 3)

    assert len(list(serve(answer).values(b"/registry/", 7))) == 3
    assert asked[-1] == 1


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (404, "Not Found", "--enable-grpc-gateway"),
        (401, '{"message":"permission denied"}', "permission denied"),
        (200, "", "not whole"),
        (200, '{"header":{"rev', "not whole"),
        (200, "[]", "not that of etcd"),
        (200, '{"kvs":[]}', "not that of etcd"),
    ],
)
def test_a_broken_answer_is_a_sentence(serve: Serve, status: int, text: str, said: str) -> None:
    with pytest.raises(RampartError, match=said):
        serve(lambda _path, _body: (status, text)).revision()


def test_more_without_anything_does_not_loop(serve: Serve) -> None:
    with pytest.raises(RampartError, match="more and sends nothing"):
        list(serve(lambda _path, _body: (200, whole(more=True))).values(b"/registry/", 7))


def test_nobody_listens() -> None:
    with pytest.raises(RampartError, match="refused"):
        Gateway(Endpoint("http://127.0.0.1:1", timeout=2.0)).revision()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:2379", "is not an address"),
        ("http://10.0.0.1:2379", "in plain text"),
        ("https://", "is not"),
    ],
)
def test_addresses_that_are_refused(url: str, said: str) -> None:
    with pytest.raises(RampartError, match=said):
        Gateway(Endpoint(url))


def test_certificates_that_cannot_be_read() -> None:
    with pytest.raises(RampartError, match="Could not load the certificates"):
        Gateway(Endpoint("https://127.0.0.1:2379", ca_cert="/nowhere/ca.crt"))


def test_history_starts_at_the_compacted_revision(serve: Serve) -> None:
    """Values as of the compaction, then what was written since; deletions carry no value."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, str]:
        if path.endswith("range"):
            assert body["revision"] == 5
            return 200, whole(kvs=[kv("/registry/secrets/old")])
        if body["create_request"]["start_revision"] == 1:
            return 200, events({"created": True}, {"canceled": True, "compact_revision": "5"})
        assert body["create_request"]["start_revision"] == 6
        return 200, events(
            {"created": True},
            {
                "events": [
                    {"kv": kv("/registry/secrets/new", revision=6)},
                    {"kv": kv("elsewhere", revision=6)},
                ]
            },
            {
                "events": [{"type": "DELETE", "kv": kv("/registry/secrets/gone", revision=7)}],
                "fragment": True,
            },
            {"events": [{"kv": kv("/registry/secrets/last", revision=7)}]},
            {"events": [{"kv": kv("/registry/secrets/later", revision=8)}]},
        )

    found = [value.key.decode() for value in serve(answer).history(b"/registry/", 7)]
    assert found == ["/registry/secrets/old", "/registry/secrets/new", "/registry/secrets/last"]


def test_history_that_is_compacted_again_and_again(serve: Serve) -> None:
    def answer(path: str, body: dict[str, Any]) -> tuple[int, str]:
        if path.endswith("range"):
            return 200, whole()
        start = body["create_request"]["start_revision"]
        return 200, events({"canceled": True, "compact_revision": str(start + 1)})

    with pytest.raises(RampartError, match="again and again"):
        count(serve(answer), "/registry", lambda: Tally("/registry", ("secrets",)))


def test_a_revision_that_was_compacted_meanwhile_is_counted_anew(serve: Serve) -> None:
    """Nothing that was counted before is counted twice."""
    refused: list[int] = []

    def answer(path: str, body: dict[str, Any]) -> tuple[int, str]:
        if path.endswith("watch"):
            return 200, events({"events": [{"kv": kv("/registry/secrets/a", revision=7)}]})
        key = base64.b64decode(body["key"])
        if body.get("count_only"):
            return 200, whole()
        if key == b"/registry/":
            return 200, whole(kvs=[kv("/registry/secrets/a")], more=True)
        if not refused:
            refused.append(body["revision"])
            return 400, '{"code":11,"message":"etcdserver: mvcc: required revision has been compacted"}'
        return 200, whole(kvs=[kv("/registry/secrets/b")])

    counted = count(serve(answer), "/registry", lambda: Tally("/registry", ("secrets",)))
    assert refused == [7]
    assert (counted.live.total(), counted.history.total(), counted.revision) == (2, 1, 7)


def test_only_the_alarm_of_the_quota_counts(serve: Serve) -> None:
    assert not serve(lambda _path, _body: (200, whole())).full()
    assert not serve(lambda _path, _body: (200, whole(alarms=[{"alarm": "CORRUPT"}]))).full()
    assert serve(lambda _path, _body: (200, whole(alarms=[{"memberID": "1", "alarm": "NOSPACE"}]))).full()


def test_a_history_that_ends_early_is_not_taken_for_whole(serve: Serve) -> None:
    def answer(path: str, body: dict[str, Any]) -> tuple[int, str]:
        if path.endswith("range"):
            return 200, whole()
        return 200, events({"created": True}, {"events": [{"kv": kv("/registry/a", revision=3)}]})

    with pytest.raises(RampartError, match="ended its history early"):
        list(serve(answer).history(b"/registry/", 7))
