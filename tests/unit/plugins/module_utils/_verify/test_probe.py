# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import probe as probes
from ansible_collections.rampart.k8s.plugins.module_utils._verify.packets import Answer
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Port
from ansible_collections.rampart.k8s.plugins.module_utils._verify.probe import END, follow

from tests.support.packets import CELLS, PLACES, STANDING, cell


class Probe:
    """The two ends of the client that following needs: each stream yields what it is given."""

    def __init__(self, *streams: list[bytes]) -> None:
        self.streams = list(streams)
        self.transport = self
        self.patches: list[Any] = []

    def stream(self, _path: str, _query: Any, *, timeout: float) -> Iterator[bytes]:
        assert timeout > 0
        yield from self.streams.pop(0)

    def call(self, _method: str, _path: str, **more: Any) -> None:
        self.patches.append(more["body"]["metadata"]["annotations"])


def ended(*lines: bytes) -> list[bytes]:
    return [*lines, END.encode()]


def test_a_probe_that_answers_is_left_alone() -> None:
    probe = Probe(ended(b"a:80 yes"))
    assert follow(cast(Client, probe), "/pod", 60, lambda: 0.0) == "a:80 yes\n"
    assert not probe.patches


def test_a_silent_probe_is_told_again_and_heard_from_the_beginning() -> None:
    probe = Probe([], [b"a:80 yes"], ended(b"a:80 yes", b"b:80 no"))
    assert follow(cast(Client, probe), "/pod", 60, lambda: 0.0) == "a:80 yes\nb:80 no\n"
    first, second = probe.patches
    assert first != second


def test_a_probe_that_stays_silent_is_given_up_at_the_end() -> None:
    times = iter([0.0, 0.0, 30.0, 30.0, 61.0])
    probe = Probe([], [b"a:80 yes"])
    assert follow(cast(Client, probe), "/pod", 60, lambda: next(times)) == "a:80 yes\n"
    assert len(probe.patches) == 1


def test_half_a_line_is_no_answer() -> None:
    first, second, third = CELLS[:3]
    keyed = {each.key: each for each in (first, second, third)}
    log = f"{first.key} yes\n{second.key} told\n{third.key} n\nunknown:1 yes\n"
    assert probes.read_answers(log, keyed) == {first: Answer.YES, second: Answer.TOLD}


def test_a_probe_tries_first_what_must_be_refused_and_only_once() -> None:
    addresses = {place: there.address for place, there in STANDING.items()}
    allowed, refused = cell("dev/api to dev/api port 8000"), cell("dev/api to the API server")
    udp = [cell(f"dev/api to {name} port 8081/UDP") for name in ("dev/api", "web/other")]
    assert probes.targets([allowed, refused, *udp], addresses).splitlines() == [
        "end:10.96.0.1:443 end 1 10.96.0.1 443",
        "peer-web:8081/UDP udp 1 10.0.0.3 8081",
        probes.PAUSE,
        "dev-api:8000/TCP tcp 3 10.0.0.1 8000",
        "dev-api:8081/UDP shut 3 10.0.0.1 8081",
    ]
    # It would wait for its listeners, which never end.
    assert probes.PAUSE not in probes.targets([allowed], addresses)


def test_a_probe_listens_by_tcp_and_has_the_names_of_its_ports() -> None:
    named = {"web": Port(8000), "ask": Port(53, "UDP")}
    made = probes.pod(PLACES[0], "one", "image", {Port(8000), Port(80), Port(53, "UDP")}, named)
    (container,) = made["spec"]["containers"]
    assert container["env"] == [{"name": "PORTS", "value": "80 8000"}]
    assert container["ports"] == [
        {"name": "ask", "containerPort": 53, "protocol": "UDP"},
        {"name": "web", "containerPort": 8000, "protocol": "TCP"},
    ]
