# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify import endpoints
from ansible_collections.rampart.k8s.plugins.module_utils._verify.endpoints import Door
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Verdict

DOOR = Door("the API server", "127.0.0.1", 6443, "/api/v1/namespaces")
OPENS = (True, "TLSv1.3")
TOO_OLD = (False, "TLSV1_ALERT_PROTOCOL_VERSION")


def verdicts(
    current: tuple[bool, str],
    old: tuple[bool, str],
    stranger: tuple[int, str],
    accepted: Sequence[int] = (401,),
) -> list[Verdict]:
    return [proof.verdict for proof in endpoints.judge(DOOR, current, old, stranger, accepted)]


def test_a_door_that_opens_to_nobody_but_us_is_proved() -> None:
    assert verdicts(OPENS, TOO_OLD, (401, "")) == [Verdict.HELD] * 3


def test_a_door_that_cannot_be_reached_is_not_proven() -> None:
    assert verdicts((False, "Connection refused"), TOO_OLD, (401, "")) == [Verdict.NOT_PROVEN]


@pytest.mark.parametrize(
    ("old", "verdict"),
    [
        ((True, "TLSv1.1"), Verdict.BROKEN),
        ((False, "UNSUPPORTED_PROTOCOL"), Verdict.HELD),
        # Our own library would not even try: that says nothing of the server.
        ((False, "NO_PROTOCOLS_AVAILABLE"), Verdict.NOT_PROVEN),
        ((False, "Connection reset by peer"), Verdict.NOT_PROVEN),
    ],
)
def test_only_the_servers_own_refusal_counts(old: tuple[bool, str], verdict: Verdict) -> None:
    assert verdicts(OPENS, old, (401, ""))[1] is verdict


@pytest.mark.parametrize(
    ("stranger", "accepted", "verdict"),
    [
        ((200, ""), (401,), Verdict.BROKEN),
        ((403, ""), (401,), Verdict.BROKEN),
        ((403, ""), (401, 403), Verdict.HELD),
        ((0, "timed out"), (401,), Verdict.NOT_PROVEN),
    ],
)
def test_a_stranger_must_be_turned_away(
    stranger: tuple[int, str], accepted: Sequence[int], verdict: Verdict
) -> None:
    assert verdicts(OPENS, TOO_OLD, stranger, accepted)[2] is verdict


def test_every_kubelet_is_a_door() -> None:
    node = {
        "metadata": {"name": "n1"},
        "status": {
            "addresses": [
                {"type": "Hostname", "address": "n1"},
                {"type": "InternalIP", "address": "10.0.0.9"},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10251}},
        },
    }
    assert endpoints.kubelets([node, {"metadata": {"name": "n2"}}]) == [
        Door("the kubelet of n1", "10.0.0.9", 10251, "/pods")
    ]


def test_a_shut_port_is_reported_with_its_reason() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        door = Door("nobody", "127.0.0.1", held.getsockname()[1], "/")
        assert endpoints.greet(door, old=False) == (False, "Connection refused")
        code, why = endpoints.ask(door)
    assert code == 0
    assert "refused" in why
