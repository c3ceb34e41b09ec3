# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import Executed, TunnelError
from ansible_collections.rampart.k8s.plugins.module_utils._verify import listening

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 1 1 0
   1: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 2 1 0
   2: 0C00A80A:1F42 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 3 1 0
   3: 0C00A80A:D431 0101A80A:1538 01 00000000:00000000 00:00000000 00000000 65532        0 4 1 0
"""
TABLE_6 = """\
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:2382 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000001000000:2383 00000000000000000000000000000000:0000 0A
   2: 0000000000000000FFFF00000100007F:2384 00000000000000000000000000000000:0000 0A
"""
POD: dict[str, Any] = {
    "metadata": {"namespace": "dev", "name": "app-1", "labels": {"app": "app"}},
    "spec": {
        "containers": [
            {
                "name": "main",
                "ports": [
                    {"name": "http", "containerPort": 8000},
                    {"name": "dns", "containerPort": 53, "protocol": "UDP"},
                ],
            }
        ]
    },
}


def test_what_listens_for_others_is_read_from_the_kernels_table() -> None:
    assert listening.parse(TABLE) == {8000, 8002}
    assert listening.parse(TABLE_6) == {9090}


def test_it_reads_the_tables_of_this_machine() -> None:
    with socket.create_server(("", 0)) as outward, socket.create_server(("127.0.0.1", 0)) as inward:
        found = listening.parse(Path("/proc/net/tcp").read_text())
        assert outward.getsockname()[1] in found
        assert inward.getsockname()[1] not in found


@pytest.mark.parametrize("reader", listening.READERS[:2], ids=["sh", "python3"])
def test_each_reader_tells_what_the_kernel_tells(reader: tuple[str, str, str]) -> None:
    program, flag, text = reader
    command = [program, flag, text.format(listening.TABLES[0])]
    with socket.create_server(("", 0)) as server:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert server.getsockname()[1] in listening.parse(said)
    assert listening.HEAD in said
    assert said.splitlines()[-1] == listening.END


def test_a_port_is_declared_by_the_pod_or_by_a_service_in_front_of_it() -> None:
    services: list[dict[str, Any]] = [
        {"spec": {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": 9000}, {"port": 7000}]}},
        {"spec": {"selector": {"app": "app"}, "ports": [{"port": 81, "targetPort": "http"}]}},
        {"spec": {"selector": {"app": "other"}, "ports": [{"port": 6000}]}},
        # Without a selector it stands in front of nothing.
        {"spec": {"ports": [{"port": 6001}]}},
    ]
    assert listening.declared(POD, services) == {8000, 9000, 7000}


def test_ways_past_every_service_are_named() -> None:
    assert listening.doors(POD) == []
    spec = {"hostNetwork": True, "containers": [{"name": "main", "ports": [{"hostPort": 80}]}]}
    assert listening.doors({**POD, "spec": spec}) == [
        "it lives in the network of its node",
        "it holds port 80 of its node",
    ]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"type": "ClusterIP"}, ""),
        ({"type": "NodePort", "ports": [{"nodePort": 30080}]}, "it is a NodePort with 30080 on every node"),
        ({"type": "LoadBalancer"}, "it is a LoadBalancer"),
        ({"externalIPs": ["203.0.113.1"]}, "it is open at 203.0.113.1"),
    ],
)
def test_services_that_are_open_to_the_outside(spec: dict[str, Any], said: str) -> None:
    assert listening.outward({"spec": spec}) == said


class Inside:
    """What programs in the pod do, by their names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **programs: Any) -> None:
        self.programs = programs
        self.asked: list[str] = []
        self.credentials = None
        monkeypatch.setattr(listening, "execute", self.execute)

    def execute(self, *words: Any, **_more: Any) -> Executed:
        program = words[4][0]
        self.asked.append(program)
        answer = self.programs.get(program.replace(".", "_"))
        if answer is None:
            return Executed(255, b"", b"", f"{program}: not found")
        if isinstance(answer, TunnelError):
            raise answer
        return cast(Executed, answer(words[4][2]))

    def read(self) -> set[int]:
        return listening.read(cast(Client, self), POD)


def told(command: str) -> Executed:
    table = TABLE_6 if "tcp6" in command else TABLE
    return Executed(0, f"{table}{listening.END}\n".encode(), b"")


def test_the_first_program_that_can_read_it_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Inside(monkeypatch, python3=told)
    assert inside.read() == {8000, 8002, 9090}
    assert inside.asked == ["sh", "python3"] * 2


def test_a_kernel_without_the_new_protocol_has_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def old(command: str) -> Executed:
        missing = Executed(1, b"", b"sh: can't open /proc/net/tcp6: No such file or directory")
        return missing if "tcp6" in command else told(command)

    assert Inside(monkeypatch, sh=old).read() == {8000, 8002}


@pytest.mark.parametrize(
    "answer",
    [
        # What ends early could hide a port.
        lambda _command: Executed(0, TABLE.encode(), b""),
        lambda _command: Executed(0, listening.END.encode(), b""),
        lambda _command: Executed(1, b"", b"Permission denied"),
        lambda _command: Executed(1, b"", b"sh: /proc/net/tcp: No such file or directory"),
        TunnelError("it broke", next_step="look"),
    ],
)
def test_what_cannot_be_read_whole_is_not_read(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    with pytest.raises(listening.UnreadableError, match="nothing in it can read /proc/net/tcp"):
        Inside(monkeypatch, sh=answer).read()
