# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.waiting import (
    Failures,
    answers,
    tail,
    teach,
)
from ansible_collections.rampart.k8s.tests.support.modules import call

KEY = "c2VjcmV0LWtleS1vZi10aGUtY2x1c3Rlcg=="


def test_a_log_shows_no_secret(tmp_path: Path) -> None:
    private, public, log = (tmp_path / name for name in ("private.yaml", "public.yaml", "log"))
    private.write_text(f"secret: {KEY}\n")
    private.chmod(0o600)
    public.write_text("address: not-a-secret-at-all.example.com\n")
    public.chmod(0o644)
    log.write_text(
        f"cannot use {KEY}\n"
        "Authorization: Bearer abc.def.ghi\n"
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n"
        "cannot reach not-a-secret-at-all.example.com\n"
        "-----BEGIN PRIVATE KEY-----\nMIGHAgEA and here the log ends\n"
    )
    redactor = Redactor()
    teach(redactor, Program("x", ("/x",), {}, reads=(private, public, tmp_path / "missing")))
    lines = "\n".join(tail(log, redactor))
    for secret in (KEY, "abc.def", "MHcCAQEE", "MIGHAgEA"):
        assert secret not in lines
    assert "cannot reach not-a-secret-at-all.example.com" in lines


def test_only_the_end_of_a_long_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(f"line {number}" for number in range(100_000)))
    assert tail(log, Redactor())[-1] == "line 99999"
    assert len(tail(log, Redactor())) == 20


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert tail(tmp_path / "none", Redactor()) == []


def info(state: str, stop: int) -> dict[str, dict[str, object]]:
    return {"x": {"statename": state, "stop": stop}}


def test_each_end_counts_once_and_old_ones_not_at_all() -> None:
    failures = Failures()
    for look in (info("STARTING", 5), info("STARTING", 5), info("RUNNING", 5)):
        failures.look(look)
    assert failures.count("x") == 0
    for look in (info("BACKOFF", 9), info("BACKOFF", 9), info("STARTING", 9), info("BACKOFF", 12)):
        failures.look(look)
    assert failures.count("x") == 2


def test_a_socket_answers_when_somebody_listens(tmp_path: Path) -> None:
    place = tmp_path / "socket"
    assert not answers(str(place))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        assert not answers(str(place))
        server.listen()
        assert answers(str(place))


def test_a_bound_port_is_no_answer_and_a_handshake_is(tmp_path: Path) -> None:
    """An API server binds its port seconds before it serves."""
    made = call(
        "cluster_pki",
        {
            "directory": str(tmp_path),
            "authorities": [{"name": "ca", "common_name": "ca"}],
            "certificates": [
                {
                    "name": "server",
                    "authority": "ca",
                    "common_name": "server",
                    "usages": ["server"],
                    "addresses": ["127.0.0.1"],
                }
            ],
        },
    )
    assert made["changed"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"https://127.0.0.1:{server.getsockname()[1]}"
        assert not answers(place)

        def serve() -> None:
            while True:
                connection, _address = server.accept()
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    # The connection of the first question, which went unanswered.
                    continue
                return

        thread = threading.Thread(target=serve)
        thread.start()
        assert answers(place)
        thread.join(10)
    assert not answers(place)
