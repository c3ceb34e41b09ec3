# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The truth table of a network: who must reach whom on which port, and what the packets said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.objects import NAMESPACE
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Endpoint, Policies

NAME = "app.kubernetes.io/name"

# A port that no definition allows: what is not listed must be shut as well.
UNLISTED = 8081

DNS = "dns"
RESOLVER = Endpoint("kube-system", {"k8s-app": "kube-dns"})
NAMESPACE_NAME = "kubernetes.io/metadata.name"

# How a cluster's network is told from the API groups that it brings along.
NETWORKS = {
    "cilium.io": "Cilium",
    "crd.projectcalico.org": "Calico",
    "projectcalico.org": "Calico",
    "crd.antrea.io": "Antrea",
    "kubeovn.io": "Kube-OVN",
}


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
class Cell:
    """One packet: from where, to where, and whether it must arrive."""

    source: Place
    target: Place | None
    port: int
    allowed: bool

    @property
    def key(self) -> str:
        """What the probe calls it."""
        return f"{self.target.name}:{self.port}" if self.target else DNS

    def __str__(self) -> str:
        if self.target is None:
            return f"{self.source} asks the cluster's DNS"
        return f"{self.source} to {self.target} port {self.port}"


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


def ports(definitions: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return every TCP port that any rule opens, and one that none does."""
    found = {UNLISTED}
    for item in definitions:
        if item["kind"] != "NetworkPolicy":
            continue
        for way in ("ingress", "egress"):
            for rule in item["spec"].get(way) or []:
                found |= {
                    port["port"]
                    for port in rule.get("ports") or []
                    if port.get("protocol", "TCP") == "TCP" and isinstance(port.get("port"), int)
                }
    return sorted(found)


def table(
    standing: Mapping[Place, str],
    definitions: Sequence[Mapping[str, Any]],
    namespaces: Mapping[str, Mapping[str, str]],
) -> list[Cell]:
    """Compute every cell for the probes that stand, given their addresses."""
    # No probe stands beside the resolver. The API server gives every namespace this label.
    home = {RESOLVER.namespace: {NAMESPACE_NAME: RESOLVER.namespace}}
    policies = Policies([*definitions, WALL], {**home, **namespaces})
    ends = {place: Endpoint(place.namespace, place.labels, address) for place, address in standing.items()}
    listening = set(ports(definitions))
    cells = []
    for source, here in ends.items():
        for target, there in ends.items():
            if source == target:
                telling = listening
            else:
                # Where rules guard the target, the ports that they open to anybody; elsewhere those
                # that the source may use to anybody; and in any case one that nobody may use.
                opened = policies.ports("ingress", there)
                if opened is None:
                    opened = policies.ports("egress", here)
                telling = {UNLISTED} | (listening if opened is None else opened)
            cells += [
                Cell(source, target, port, source == target or policies.allows(here, there, port))
                for port in sorted(telling)
            ]
        cells.append(Cell(source, None, 53, policies.allows(here, RESOLVER, 53, "UDP")))
    return cells


def judge(cells: Sequence[Cell], arrived: Mapping[Cell, bool]) -> Iterator[Proof]:
    """Compare what arrived with what must. A refusal counts only where somebody else got through.

    A listener that never listened would look like a wall: that it answers is shown by the pod
    itself, and that its pod can be reached by whoever is allowed to.
    """
    listening = {
        (cell.target, cell.port) for cell, came in arrived.items() if came and cell.source == cell.target
    }
    resolves = any(came for cell, came in arrived.items() if cell.target is None)
    for cell in cells:
        if cell not in arrived:
            yield Proof(str(cell), Verdict.NOT_PROVEN, not cell.allowed, "the probe gave no answer")
        elif cell.source == cell.target:
            if not arrived[cell]:
                yield Proof(
                    f"{cell.target} listens on port {cell.port}", Verdict.BROKEN, False, "it does not"
                )
        elif cell.allowed:
            held = Verdict.HELD if arrived[cell] else Verdict.BROKEN
            yield Proof(str(cell), held, False, "" if arrived[cell] else "it must arrive and does not")
        elif arrived[cell]:
            yield Proof(str(cell), Verdict.BROKEN, True, "it must be refused and arrives")
        elif (cell.target is None and not resolves) or (
            cell.target is not None and (cell.target, cell.port) not in listening
        ):
            yield Proof(str(cell), Verdict.VACUOUS, True, "nobody gets an answer there")
        else:
            yield Proof(str(cell), Verdict.HELD, True)


def enforces(arrived: Mapping[Cell, bool]) -> bool:
    """Say whether any refusal that must be seen was seen: the wall is there in every cluster."""
    walled = [came for cell, came in arrived.items() if cell.source.walled and cell.source != cell.target]
    return bool(walled) and not any(walled)


def network_name(groups: Iterable[str]) -> str:
    """Name the cluster's network by the API groups that are served."""
    for group in groups:
        if group in NETWORKS:
            return NETWORKS[group]
    return "a network that is none of " + ", ".join(sorted(set(NETWORKS.values()))) + " (a plain bridge?)"
