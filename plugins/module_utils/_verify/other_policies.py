# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Policies that are not Kubernetes' own: what they may do to a packet, as far as it can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Endpoint, selects

NETWORK_POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"

# They route or redirect what passes, and let nothing through or stop it.
_HARMLESS = frozenset({"ciliumegressgatewaypolicies", "ciliumlocalredirectpolicies"})
# How Calico shows Kubernetes' own policies under its API.
_MIRRORED = "knp.default."
_NOTHING: frozenset[str] = frozenset()
_ANYTHING = frozenset({"allow", "deny", "bind"})
_NAMESPACE = "io.kubernetes.pod.namespace"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A policy that is not understood: it may do anything to the pods of its namespace."""

    name: str
    namespace: str

    def effect(self, _way: str, own: Endpoint, _other: Endpoint) -> frozenset[str]:
        """Say what it may do."""
        reaches = bool(own.namespace) and self.namespace in ("", own.namespace)
        return _ANYTHING if reaches else _NOTHING


def _plain(selector: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a selector of Cilium without the sources that it puts before keys."""

    def bare(key: str) -> str:
        return key.removeprefix("k8s:").removeprefix("any:")

    selector = selector or {}
    return {
        "matchLabels": {bare(key): value for key, value in (selector.get("matchLabels") or {}).items()},
        "matchExpressions": [
            {**each, "key": bare(each["key"])} for each in selector.get("matchExpressions") or []
        ],
    }


@dataclass(frozen=True, slots=True)
class Cilium:
    """A CiliumNetworkPolicy: whom it selects, and whether one of its rules can mean the other end.

    That is enough to tell which decisions it leaves alone.
    """

    name: str
    namespace: str
    specs: Sequence[Mapping[str, Any]]

    def effect(self, way: str, own: Endpoint, other: Endpoint) -> frozenset[str]:
        """Say what it may do."""
        if not own.namespace or self.namespace not in ("", own.namespace):
            return _NOTHING
        found = set()
        for spec in self.specs:
            if "endpointSelector" not in spec:
                continue
            if not selects(_plain(spec["endpointSelector"]), _seen(own)):
                continue
            for section, does in ((way, "allow"), (f"{way}Deny", "deny")):
                if section in spec:
                    found.add("bind")
                    if any(self._means(rule, other) for rule in spec[section] or []):
                        found.add(does)
        return frozenset(found)

    def _means(self, rule: Mapping[str, Any], other: Endpoint) -> bool:
        peers = {key: value for key, value in rule.items() if key.startswith(("to", "from"))}
        peers.pop("toPorts", None)
        if not peers or set(rule) - set(peers) - {"toPorts"}:
            return True
        return any(self._peer(key, value, other) for key, value in peers.items())

    def _peer(self, key: str, value: Any, other: Endpoint) -> bool:
        if key in ("toEndpoints", "fromEndpoints"):
            return bool(other.namespace) and any(self._pods(each, other) for each in value or [])
        if key == "toFQDNs":
            # The names of other networks: no pod, and nothing that has no name.
            return not other.namespace and not other.nameless
        return True

    def _pods(self, selector: Mapping[str, Any], other: Endpoint) -> bool:
        plain = _plain(selector)
        keys = [*plain["matchLabels"], *(each["key"] for each in plain["matchExpressions"])]
        if any(key.startswith("io.cilium.k8s.namespace") for key in keys):
            return True
        if self.namespace and _NAMESPACE not in keys and other.namespace != self.namespace:
            return False
        return selects(plain, _seen(other))


def _seen(pod: Endpoint) -> dict[str, str]:
    return {**pod.labels, _NAMESPACE: pod.namespace}


def others(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Unknown | Cilium]:
    """Return all policies of other kinds, given everything that decides about packets by its path."""
    made: dict[str, Unknown | Cilium] = {}
    for path, items in found.items():
        plural = path.rpartition("/")[2]
        if path == NETWORK_POLICIES or "polic" not in plural:
            continue
        if plural in _HARMLESS or plural.startswith("staged"):
            continue
        for item in items:
            metadata = item["metadata"]
            if str(metadata["name"]).startswith(_MIRRORED):
                continue
            namespace = metadata.get("namespace", "")
            name = " ".join((item.get("kind", plural), f"{namespace}/{metadata['name']}".lstrip("/")))
            if plural in ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"):
                specs = [*([item["spec"]] if item.get("spec") else []), *(item.get("specs") or [])]
                made[name] = Cilium(name, namespace, specs)
            else:
                made[name] = Unknown(name, namespace)
    return list(made.values())
