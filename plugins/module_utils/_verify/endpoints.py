# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Knocks at the API server and the kubelets as a stranger, and with a protocol that is too old."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import handshake
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate


@dataclass(frozen=True, slots=True)
class Door:
    """A TLS endpoint, and something behind it that a stranger must not get."""

    name: str
    host: str
    port: int
    path: str


def greet(door: Door, *, old: bool) -> tuple[bool, str]:
    """Try a handshake with today's protocols or with TLS 1.1 only; return whether it was made, or why not."""
    # Nothing is sent but a greeting: whose certificate it is plays no part here.
    context = handshake.old() if old else handshake.today()
    greeting = handshake.greet(door.host, door.port, context)
    return greeting.made, greeting.said


def ask(door: Door) -> tuple[int, str]:
    """Ask without any credential; return the HTTP status, or 0 with the reason."""
    connection = http.client.HTTPSConnection(
        door.host, door.port, timeout=handshake.PATIENCE, context=handshake.today()
    )
    try:
        connection.request("GET", door.path)
        return connection.getresponse().status, ""
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error) or type(error).__name__
    finally:
        connection.close()


def judge(
    door: Door,
    current: tuple[bool, str],
    old: tuple[bool, str],
    stranger: tuple[int, str],
    accepted: Sequence[int],
) -> list[Proof]:
    """Judge a door: it must open to today's protocol, and neither to an old one nor to a stranger."""
    if not current[0]:
        return [Proof(f"{door.name} can be knocked at", Verdict.NOT_PROVEN, False, current[1])]
    proofs = [Proof(f"{door.name} speaks TLS 1.2 or newer", Verdict.HELD, False)]
    claim = f"{door.name} refuses TLS 1.1"
    if old[0]:
        proofs.append(Proof(claim, Verdict.BROKEN, True, "the handshake was made"))
    elif handshake.refused(handshake.Greeting(*old)):
        proofs.append(Proof(claim, Verdict.HELD, True))
    else:
        proofs.append(Proof(claim, Verdict.NOT_PROVEN, True, f"this machine cannot try it ({old[1]})"))
    claim = f"{door.name} refuses a request without a credential"
    code, why = stranger
    if code in accepted:
        proofs.append(Proof(claim, Verdict.HELD, True))
    elif code:
        proofs.append(Proof(claim, Verdict.BROKEN, True, f"{door.path} answers {code}"))
    else:
        proofs.append(Proof(claim, Verdict.NOT_PROVEN, True, why))
    return proofs


def kubelets(nodes: Sequence[dict[str, Any]]) -> list[Door]:
    """Return the kubelets' own ports."""
    doors = []
    for node in nodes:
        status = node.get("status") or {}
        port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port") or 10250
        for address in status.get("addresses") or []:
            if address.get("type") == "InternalIP":
                name = f"the kubelet of {node['metadata']['name']}"
                doors.append(Door(name, address["address"], int(port), "/pods"))
                break
    return doors


class EndpointVerify(ProofGate):
    """Only greets and asks; writes nothing.

    It is always proved anew: how a server was told to answer strangers cannot be read from outside.
    """

    name = "endpoint_verify"
    control = "endpoints"
    claim = "that no stranger gets in"

    def outline(self, client: Client) -> str:
        """Count the doors."""
        return f"that {len(self._doors(client))} doors are shut"

    def prove(self, client: Client) -> list[Proof]:
        """Knock at every door."""
        accepted = self.parameters["refusals"]

        def knock(door: Door) -> list[Proof]:
            current = greet(door, old=False)
            if not current[0]:
                return judge(door, current, (False, ""), (0, ""), accepted)
            return judge(door, current, greet(door, old=True), ask(door), accepted)

        return [proof for found in client.map(knock, self._doors(client)) for proof in found]

    def _doors(self, client: Client) -> list[Door]:
        server = urlsplit(client.credentials.server)
        if server.scheme != "https" or not server.hostname:
            raise RampartError(
                f"The API server's address {client.credentials.server} is not one with TLS.",
                next_step="use an address with https in the kubeconfig",
            )
        # The control: with our credential the same path answers.
        client.get("/api/v1/namespaces", query={"limit": 1}, target="the namespaces")
        return [
            Door("the API server", server.hostname, server.port or 443, "/api/v1/namespaces"),
            *kubelets(client.list_all("/api/v1/nodes")[0]),
        ]
