# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Where the packets of a proof begin and end: probes in every place that matters, and what is no probe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._verify.objects import LABEL, NAMESPACE
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import (
    Endpoint,
    Port,
    called,
    named_ports,
)

NAME = "app.kubernetes.io/name"

# Where the cluster's DNS is, and by which label its pods are known.
SYSTEM = "kube-system"
RESOLVER = {"k8s-app": "kube-dns"}
METADATA = "169.254.169.254"
# Nobody has these addresses (RFC 5737): whether anything answers there is a matter of the network between.
DOCUMENTATION = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))

# Where a probe listens under a name that no live pod gives a number.
FIRST_NAMED = 18001


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere a probe stands."""

    name: str
    namespace: str
    application: str = ""
    # Selected by a policy of the probe's own that denies everything.
    walled: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """The labels by which policies know it."""
        labels = {NAME: self.application} if self.application else {}
        return {**labels, "rampart.k8s/walled": "true"} if self.walled else labels

    def __str__(self) -> str:
        if self.walled:
            return "a walled-in pod"
        return f"{self.namespace}/{self.application or 'other'}"


@dataclass(frozen=True, slots=True)
class End:
    """Something that is no probe and that packets may go to."""

    name: str
    # How a probe asks there.
    way: str
    # "-" where the probe knows it itself.
    address: str
    port: Port
    # What the policies see: a Service's own address is rewritten before they do.
    behind: tuple[tuple[Endpoint, Port], ...]
    # Somebody answers there, so that silence means something.
    answers: bool = True

    def __str__(self) -> str:
        return self.name


WALL: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "rampart-probe-wall", "namespace": NAMESPACE},
    "spec": {
        "podSelector": {"matchLabels": {"rampart.k8s/walled": "true"}},
        "policyTypes": ["Ingress", "Egress"],
    },
}


def places(environments: Sequence[Mapping[str, Any]], peers: Iterable[str]) -> list[Place]:
    """Put a probe wherever the definition makes a difference.

    In each environment one as each application and one as none; one in each namespace that a rule
    lets in or out; one outside of everything, and one behind a wall of its own, which shows that
    the network enforces policies at all.
    """
    found = []
    for environment in environments:
        namespace = environment["namespace"]
        for application in (*environment["applications"], ""):
            found.append(Place(f"{namespace}-{application or 'other'}", namespace, application))
    found += [Place(f"peer-{namespace}", namespace) for namespace in peers if namespace != NAMESPACE]
    return [*found, Place("outside", NAMESPACE), Place("walled", NAMESPACE, walled=True)]


def named(
    standing: Iterable[Place],
    policies: Sequence[Mapping[str, Any]],
    pods: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[Place, dict[str, Port]]:
    """Say what each probe calls its ports: what the live pods do that it stands for, by namespace.

    Where none lives, it has every name that a policy uses, so that its rules can be tried.
    """
    wanted = sorted(named_ports(policies).items())
    invented = {name: Port(number, protocol) for number, (name, protocol) in enumerate(wanted, FIRST_NAMED)}
    found = {}
    for place in standing:
        alike = [
            pod
            for pod in pods.get(place.namespace, ())
            if LABEL not in (pod["metadata"].get("labels") or {})
            and (pod["metadata"].get("labels") or {}).get(NAME) == place.application
        ]
        live = {name: port for pod in alike for name, port in called(pod) if name in invented}
        found[place] = live if alike else dict(invented)
    return found


def resolvers(pods: Iterable[Mapping[str, Any]], protocol: str) -> tuple[tuple[Endpoint, Port], ...]:
    """Return the pods that resolve names as policies see them, and the ports where they are asked."""
    found = []
    for pod in pods:
        names = dict(called(pod))
        asked = names.get("dns" if protocol == "UDP" else "dns-tcp", Port(53, protocol))
        address = (pod.get("status") or {}).get("podIP", "")
        found.append((Endpoint(SYSTEM, pod["metadata"]["labels"], address, names), asked))
    return tuple(found) or ((Endpoint(SYSTEM, RESOLVER), Port(53, protocol)),)


def ends(
    resolving: Sequence[Mapping[str, Any]],
    server: Mapping[str, Any] | None,
    slices: Iterable[Mapping[str, Any]],
    outside: Iterable[str],
) -> list[End]:
    """Return the DNS, the API server with what is behind its Service, the metadata and the outside."""
    asked, answered = Port(53, "UDP"), Port(53)
    found = [
        End("the cluster's DNS", "dns", "-", asked, resolvers(resolving, "UDP")),
        End("the cluster's DNS over TCP", "name", "-", answered, resolvers(resolving, "TCP")),
    ]
    behind = tuple(
        (Endpoint("", address=address, nameless=True), Port(port["port"]))
        for each in slices
        for endpoint in each.get("endpoints") or []
        for address in endpoint["addresses"]
        for port in each.get("ports") or []
    )
    if server is not None and behind:
        spec = server["spec"]
        port = Port(spec["ports"][0]["port"])
        found.append(End("the API server", "end", spec["clusterIP"], port, behind))
    metadata = Endpoint("", address=METADATA, nameless=True)
    found.append(
        End("the cloud's metadata", "end", METADATA, Port(80), ((metadata, Port(80)),), answers=False)
    )
    found += map(outsider, outside)
    return found


def outsider(text: str) -> End:
    """Return an end outside of the cluster, given as an address and a port."""
    host, _colon, number = text.rpartition(":")
    try:
        address, port = ip_address(host.strip("[]")), Port(int(number))
    except ValueError as error:
        raise RampartError(
            f"{text!r} is no TCP endpoint outside of the cluster: {error}.",
            next_step="write an address and a port, as in 198.51.100.7:443",
        ) from error
    answers = not any(address in network for network in DOCUMENTATION)
    # Nor has it a name, if it is nobody's.
    there = Endpoint("", address=str(address), nameless=not answers)
    return End(text, "end", str(address), port, ((there, port),), answers)
