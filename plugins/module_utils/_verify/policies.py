# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides from NetworkPolicies which packet must arrive, as the Kubernetes API defines it, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Protocol

WAYS = {"egress": ("Egress", "to"), "ingress": ("Ingress", "from")}


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A port of a protocol."""

    number: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        return f"port {self.number}" if self.protocol == "TCP" else f"port {self.number}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod as policies see it, or without a namespace an address that is no pod's.

    Its address counts only where a rule names addresses.
    """

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    address: str = ""
    # What its containers call their ports.
    named: Mapping[str, Port] = field(default_factory=dict, hash=False)
    # No DNS outside of the cluster leads there.
    nameless: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a packet must arrive, and why; None where a policy has a say in it that is not understood."""

    allowed: bool | None
    because: str = ""
    # The policies that decided.
    by: tuple[str, ...] = ()


class Other(Protocol):
    """A policy of another kind, which may have a say in what NetworkPolicies decide."""

    @property
    def name(self) -> str:
        """What it is called."""

    def effect(self, way: str, own: Endpoint, other: Endpoint) -> frozenset[str]:
        """Say what it may do to traffic between both on this way: allow it, deny it, bind the pod."""


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Match a label selector; an empty one matches everything."""
    selector = selector or {}
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for expression in selector.get("matchExpressions") or []:
        key, operator = expression["key"], expression["operator"]
        values = expression.get("values") or []
        if operator == "In" and labels.get(key) not in values:
            return False
        if operator == "NotIn" and labels.get(key) in values:
            return False
        if operator == "Exists" and key not in labels:
            return False
        if operator == "DoesNotExist" and key in labels:
            return False
    return True


def types(spec: Mapping[str, Any]) -> Sequence[str]:
    """Return the ways that a policy binds; the API server fills them in when nobody says them."""
    return spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def title(item: Mapping[str, Any]) -> str:
    """Return what a NetworkPolicy is called."""
    metadata = item["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"


def _peer(
    peer: Mapping[str, Any], home: str, other: Endpoint, namespaces: Mapping[str, Mapping[str, str]]
) -> bool:
    block = peer.get("ipBlock")
    if block:
        if not other.address:
            return False
        address = ip_address(other.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(part) for part in block.get("except") or []
        )
    # A selector selects pods only, also an empty one.
    if not other.namespace:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], namespaces.get(other.namespace, {})):
            return False
    elif other.namespace != home:
        return False
    return selects(peer.get("podSelector"), other.labels)


def _opened(rule: Mapping[str, Any], named: Mapping[str, Port]) -> tuple[Port, Port] | None:
    """Return the first and the last port of one entry; None when its name means nothing at the target."""
    protocol, wanted = rule.get("protocol", "TCP"), rule.get("port")
    if isinstance(wanted, str):
        found = named.get(wanted)
        return (found, found) if found is not None and found.protocol == protocol else None
    if wanted is None:
        return Port(0, protocol), Port(65535, protocol)
    return Port(wanted, protocol), Port(rule.get("endPort", wanted), protocol)


def _port(ports: Sequence[Mapping[str, Any]], port: Port, named: Mapping[str, Port]) -> bool:
    spans = [_opened(rule, named) for rule in ports]
    return not ports or any(
        span[0].protocol == port.protocol and span[0].number <= port.number <= span[1].number
        for span in spans
        if span is not None
    )


class Policies:
    """NetworkPolicies, with the labels of the namespaces that they select, and policies of other kinds."""

    def __init__(
        self,
        objects: Sequence[Mapping[str, Any]],
        namespaces: Mapping[str, Mapping[str, str]],
        others: Sequence[Other] = (),
    ) -> None:
        self._policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
        self._namespaces = namespaces
        self._others = others

    def binding(self, way: str, own: Endpoint) -> list[Mapping[str, Any]]:
        """Return the policies that bind a pod on one way."""
        return [
            policy
            for policy in self._policies
            if policy["metadata"]["namespace"] == own.namespace
            and WAYS[way][0] in types(policy["spec"])
            and selects(policy["spec"].get("podSelector"), own.labels)
        ]

    def _passes(self, way: str, own: Endpoint, other: Endpoint, port: Port) -> Decision:
        """Decide one way: what leaves ``own`` for the other (egress), or enters it from there (ingress)."""
        binding = self.binding(way, own)
        # A name means what the pod calls so that the packet goes to.
        named = other.named if way == "egress" else own.named
        allowing = []
        for policy in binding:
            for rule in policy["spec"].get(way) or []:
                listed = rule.get(WAYS[way][1]) or []
                reached = not listed or any(
                    _peer(peer, own.namespace, other, self._namespaces) for peer in listed
                )
                if reached and _port(rule.get("ports") or [], port, named):
                    allowing.append(title(policy))
                    break
        allowed = bool(allowing) or not binding
        for foreign in self._others:
            effect = foreign.effect(way, own, other)
            changes = {"deny"} if binding and allowed else {"deny", "bind"} if allowed else {"allow"}
            if effect & changes:
                because = f"{foreign.name} may decide it and is not understood"
                return Decision(None, because, (foreign.name,))
        if allowed:
            return Decision(True, "", tuple(allowing))
        names = tuple(title(policy) for policy in binding)
        where = "the way out" if way == "egress" else "the way in"
        return Decision(False, f"on {where} by {', '.join(names)}", names)

    def decide(self, source: Endpoint, target: Endpoint, port: Port) -> Decision:
        """Decide whether a packet leaves its pod and enters the other. Both ends have to agree."""
        both = (self._passes("egress", source, target, port), self._passes("ingress", target, source, port))
        refused = [one for one in both if one.allowed is False]
        if refused:
            by = tuple(name for one in refused for name in one.by)
            # It comes no further than to the first that refuses it.
            return Decision(False, f"refused {refused[0].because}", by)
        for one in both:
            if one.allowed is None:
                return one
        by = both[0].by + both[1].by
        return Decision(True, f"allowed by {' and '.join(by)}" if by else "no policy binds either end", by)

    def ports(self, way: str, own: Endpoint, named: Mapping[str, Port]) -> set[Port] | None:
        """Return the ports that any rule opens for a pod on one way; None when no policy binds it.

        Of a range they are the first and the last.
        """
        bound = self.binding(way, own)
        if not bound:
            return None
        spans = [
            _opened(port, named)
            for policy in bound
            for rule in policy["spec"].get(way) or []
            for port in rule.get("ports") or []
            if port.get("port") is not None
        ]
        return {port for span in spans if span is not None for port in span}


def called(pod: Mapping[str, Any]) -> Iterator[tuple[str, Port]]:
    """Yield what the containers of a pod call their ports."""
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or []:
            if "name" in port:
                yield port["name"], Port(port["containerPort"], port.get("protocol", "TCP"))


def named_ports(objects: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the ports that any rule calls by a name, with their protocols."""
    found: dict[str, str] = {}
    for item in objects:
        for way in WAYS:
            for rule in (item["spec"].get(way) or []) if item["kind"] == "NetworkPolicy" else []:
                for port in rule.get("ports") or []:
                    if isinstance(port.get("port"), str):
                        found.setdefault(port["port"], port.get("protocol", "TCP"))
    return found
