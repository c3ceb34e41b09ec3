# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify.network import END, follow


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
