# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Proves what delivered Services open and refuse: ports, TLS, and answers to those who may not ask."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any
from urllib.parse import quote

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.forward import HOST, endpoints, forwarded
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live
from ansible_collections.rampart.k8s.plugins.module_utils._verify import (
    asking,
    handshake,
    listening,
    tls_scan,
)
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate

PORTS, TLS = "ports", "tls"
_WORDS = {
    Verdict.HELD: "passed",
    Verdict.NOT_PROVEN: "not_proven",
    Verdict.BROKEN: "failed",
    Verdict.VACUOUS: "failed",
}
_WORST = ("passed", "not_proven", "failed")

# One claim, and the control that it belongs to.
Told = tuple[str, Proof]


@dataclass(frozen=True, slots=True)
class Port:
    """A TCP port of a Service."""

    namespace: str
    service: str
    port: int

    def __str__(self) -> str:
        return f"{self.namespace}/{self.service}:{self.port}"

    def is_meant_by(self, entry: Mapping[str, Any]) -> bool:
        """Say whether an entry of an option is about it; one without a namespace is about all of them."""
        same = (entry["service"], entry["port"]) == (self.service, self.port)
        return same and entry["namespace"] in (None, "", self.namespace)

    def named(self, entries: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """Return what an option says of it."""
        return next(filter(self.is_meant_by, entries), None)


# The pod behind a port, and the port that it has there; raises RampartError when there is none.
Behind = Callable[[Port], tuple[str, int]]


def ports_of(services: Sequence[Mapping[str, Any]]) -> list[Port]:
    """Return every TCP port of some Services."""
    return [
        Port(service["metadata"]["namespace"], service["metadata"]["name"], port["port"])
        for service in services
        for port in service["spec"].get("ports") or []
        if port.get("protocol", "TCP") == "TCP" and service["spec"].get("type") != "ExternalName"
    ]


def by_control(told: Iterable[Told]) -> dict[str, str]:
    """Say of each control what it came to; one claim that was not proven leaves it open."""
    found: dict[str, str] = {}
    for control, proof in told:
        found[control] = max(found.get(control, "passed"), _WORDS[proof.verdict], key=_WORST.index)
    return found


def judge_ports(name: str, listens: set[int], declared: set[int]) -> list[Told]:
    """A pod must listen on nothing that nobody declared; that it listens at all shows that we can see it."""
    claim = f"{name} listens on no port that nobody declared"
    strange = sorted(listens - declared)
    if strange:
        said = f"it listens on {', '.join(map(str, strange))}"
        return [(PORTS, Proof(claim, Verdict.BROKEN, True, said))]
    if declared and not listens & declared:
        return [(PORTS, Proof(claim, Verdict.VACUOUS, True, "it does not listen where it says either"))]
    return [(PORTS, Proof(claim, Verdict.HELD, True))]


class ServiceVerify(ProofGate):
    """Reads, greets and asks; writes nothing. It is always proved anew: what answers is no object."""

    name = "service_verify"
    control = "services"
    claim = "what Services open and refuse"

    def outline(self, client: Client) -> str:
        """Count what would be looked at."""
        _pods, services = self._live(client)
        requests = len(self.parameters["requests"])
        return f"{len(ports_of(services))} ports of Services, and {requests} kinds of requests"

    def _live(self, client: Client) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        there = live.namespaces(client, set(self.parameters["namespaces"]))

        def listed(kind: str) -> list[dict[str, Any]]:
            return [
                item
                for namespace in there
                for item in client.list_all(f"/api/v1/namespaces/{quote(namespace, safe='')}/{kind}")[0]
            ]

        pods, services = client.map(listed, ("pods", "services"))
        return [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"], services

    def prove(self, client: Client) -> list[Proof]:
        """Look at every pod, every port and every request."""
        pods, services = self._live(client)
        there = {item["metadata"]["namespace"] for item in services}
        told: list[Told] = [
            (PORTS, Proof(f"Services of {name}", Verdict.NOT_PROVEN, True, "there is none to look at"))
            for name in self.parameters["namespaces"]
            if name not in there
        ]
        # Most ports are asked more than once.
        behind = cache(lambda port: endpoints(client, port.namespace, port.service, port.port)[0])
        work: list[Callable[[], list[Told]]] = [
            *(partial(self._pod, client, pod, services) for pod in pods),
            *(partial(self._port, client, behind, port) for port in ports_of(services)),
            *(
                partial(self._request, client, behind, entry, port, pods)
                for entry in self.parameters["requests"]
                for port in ports_of(services)
                if port.is_meant_by(entry)
            ),
        ]
        told += self._outward(services)
        told += [one for found in client.map(lambda do: do(), work) for one in found]
        told += self._missing(ports_of(services))
        self.more = {"controls": by_control(told)}
        return [proof for _control, proof in told]

    def _outward(self, services: Sequence[Mapping[str, Any]]) -> list[Told]:
        told = []
        for service in services:
            metadata = service["metadata"]
            name = f"{metadata['namespace']}/{metadata['name']}"
            if name not in self.parameters["open"]:
                how = listening.outward(service)
                verdict = Verdict.BROKEN if how else Verdict.HELD
                claim = f"Service {name} is not open to the outside"
                told.append((PORTS, Proof(claim, verdict, True, how)))
        return told

    def _pod(
        self, client: Client, pod: Mapping[str, Any], services: Sequence[Mapping[str, Any]]
    ) -> list[Told]:
        metadata = pod["metadata"]
        name = f"Pod {metadata['namespace']}/{metadata['name']}"
        open_to_node = listening.doors(pod)
        claim = f"{name} is not open to its node's network"
        verdict = Verdict.BROKEN if open_to_node else Verdict.HELD
        told: list[Told] = [(PORTS, Proof(claim, verdict, True, ", ".join(open_to_node)))]
        if pod["spec"].get("hostNetwork"):
            return told
        own = [each for each in services if each["metadata"]["namespace"] == metadata["namespace"]]
        try:
            found = listening.read(client, pod)
        except listening.UnreadableError as error:
            claim = f"{name} listens on no port that nobody declared"
            return [*told, (PORTS, Proof(claim, Verdict.NOT_PROVEN, True, error.message))]
        return told + judge_ports(name, found, listening.declared(pod, own))

    def _port(self, client: Client, behind: Behind, port: Port) -> list[Told]:
        """Scan what speaks TLS; what does not is a violation, unless it is said why it may."""
        if port.named(self.parameters["plain"]):
            return []
        entry = port.named(self.parameters["tls"]) or {}
        try:
            pod, number = behind(port)
        except RampartError as error:
            return [(TLS, Proof(f"{port} speaks TLS", Verdict.NOT_PROVEN, False, error.message))]
        server_name = entry.get("server_name") or f"{port.service}.{port.namespace}.svc"
        anchors, without = self._anchors(client, port.namespace, entry)
        with forwarded(client, port.namespace, pod, number) as near:
            protocol = entry.get("protocol") or handshake.PLAIN
            line = tls_scan.Line(str(port), HOST, near, protocol, server_name, anchors, without)
            found = tls_scan.scan(line, self.parameters["min_days"], datetime.now(UTC))
        return [(TLS, proof) for proof in found]

    def _anchors(self, client: Client, namespace: str, entry: Mapping[str, Any]) -> tuple[str, str]:
        """Return the certificates that must have signed, or why there are none. The key is public."""
        secret, key = entry.get("ca_secret"), entry.get("ca_key") or "ca.crt"
        if not secret:
            return "", "nobody said who must have signed it"
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets/{quote(secret, safe='')}"
        found = client.find(path)
        try:
            text = base64.b64decode(((found or {}).get("data") or {})[key]).decode("ascii")
        except (KeyError, ValueError, binascii.Error):
            return "", f"Secret {namespace}/{secret} has no certificate {key}"
        return text, ""

    def _request(
        self,
        client: Client,
        behind: Behind,
        request: Mapping[str, Any],
        port: Port,
        pods: Sequence[Mapping[str, Any]],
    ) -> list[Told]:
        told = partial(asking.judge, port.namespace, request)
        try:
            pod, number = behind(port)
        except RampartError as error:
            return [(request["control"], told(asking.Answer(why=error.message), None))]
        place = {"namespace": port.namespace, "name": pod}
        running = next((each for each in pods if place.items() <= each["metadata"].items()), None)
        if running is None:
            return [(request["control"], told(asking.Answer(why=f"Pod {pod} does not run any more"), None))]
        log = asking.Log(client, running, request["logged"]) if request["logged"] else None
        with forwarded(client, port.namespace, pod, number) as near:
            tls = port.named(self.parameters["plain"]) is None
            answer = asking.ask(HOST, near, request, tls=tls)
        return [(request["control"], told(answer, log.has_more() if log and answer.status else None))]

    def _missing(self, ports: Sequence[Port]) -> list[Told]:
        """What options name and nobody has is no claim that holds."""
        named = [(TLS, entry) for entry in (*self.parameters["tls"], *self.parameters["plain"])]
        named += [(entry["control"], entry) for entry in self.parameters["requests"]]
        absent = [
            (control, f"port {entry['port']} of {entry['service']}")
            for control, entry in named
            if not any(port.is_meant_by(entry) for port in ports)
        ]
        return [
            (control, Proof(claim, Verdict.NOT_PROVEN, True, "there is none")) for control, claim in absent
        ]
