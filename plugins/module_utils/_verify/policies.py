# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides from NetworkPolicies which packet must arrive, as the Kubernetes API defines it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod as policies see it. Its address counts only where a rule names addresses."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    address: str = ""


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
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], namespaces.get(other.namespace, {})):
            return False
    elif other.namespace != home:
        return False
    return selects(peer.get("podSelector"), other.labels)


def _port(ports: Sequence[Mapping[str, Any]], port: int, protocol: str) -> bool:
    if not ports:
        return True
    for rule in ports:
        if rule.get("protocol", "TCP") != protocol:
            continue
        wanted = rule.get("port")
        if wanted is None or wanted <= port <= rule.get("endPort", wanted):
            return True
    return False


class Policies:
    """The NetworkPolicies of a definition, with the labels of the namespaces that they select."""

    def __init__(
        self, objects: Sequence[Mapping[str, Any]], namespaces: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
        self._namespaces = namespaces

    def _passes(self, way: str, own: Endpoint, other: Endpoint, port: int, protocol: str) -> bool:
        key, peers = ("Egress", "to") if way == "egress" else ("Ingress", "from")
        bound = False
        for policy in self._policies:
            spec = policy["spec"]
            if policy["metadata"]["namespace"] != own.namespace or key not in spec["policyTypes"]:
                continue
            if not selects(spec.get("podSelector"), own.labels):
                continue
            bound = True
            for rule in spec.get(way) or []:
                listed = rule.get(peers) or []
                reached = not listed or any(
                    _peer(peer, own.namespace, other, self._namespaces) for peer in listed
                )
                if reached and _port(rule.get("ports") or [], port, protocol):
                    return True
        return not bound

    def allows(self, source: Endpoint, target: Endpoint, port: int, protocol: str = "TCP") -> bool:
        """Say whether a packet leaves its pod and enters the other."""
        return self._passes("egress", source, target, port, protocol) and self._passes(
            "ingress", target, source, port, protocol
        )

    def ports(self, way: str, own: Endpoint) -> set[int] | None:
        """Return the TCP ports that any rule opens for a pod on one way; None when no policy binds it."""
        key = "Egress" if way == "egress" else "Ingress"
        bound = [
            policy["spec"]
            for policy in self._policies
            if policy["metadata"]["namespace"] == own.namespace
            and key in policy["spec"]["policyTypes"]
            and selects(policy["spec"].get("podSelector"), own.labels)
        ]
        if not bound:
            return None
        return {
            port["port"]
            for spec in bound
            for rule in spec.get(way) or []
            for port in rule.get("ports") or []
            if port.get("protocol", "TCP") == "TCP" and isinstance(port.get("port"), int)
        }
