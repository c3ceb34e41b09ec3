# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The truth table of a network: who must reach whom on which port, and which policies decide it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._verify.places import End, Place
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import (
    Decision,
    Endpoint,
    Policies,
    Port,
)

# Ports that no definition allows: what is not listed must be shut as well.
UNLISTED = (Port(8081), Port(8081, "UDP"))


@dataclass(frozen=True, slots=True)
class Cell:
    """One packet: from where, to where, and whether it must arrive."""

    source: Place
    target: Place | End
    port: Port
    # Whether the policies that live let it through; None where that cannot be told.
    allowed: bool | None
    because: str = field(default="", compare=False)
    by: tuple[str, ...] = field(default=(), compare=False)
    # The definition refuses it, whatever lives.
    forbidden: bool = field(default=False, compare=False)
    # The definition allows it, and whoever refuses it does so in an environment of ours.
    missed: bool = field(default=False, compare=False)

    @property
    def key(self) -> str:
        """What the probe calls it."""
        if isinstance(self.target, End):
            return f"{self.target.way}:{self.target.address}:{self.port.number}"
        return f"{self.target.name}:{self.port.number}/{self.port.protocol}"

    @property
    def way(self) -> str:
        """How the probe asks."""
        return self.target.way if isinstance(self.target, End) else self.port.protocol.lower()

    @property
    def own(self) -> bool:
        """Whether a probe asks itself."""
        return self.source == self.target

    def __str__(self) -> str:
        return f"{self.source} to {self.target}" + ("" if isinstance(self.target, End) else f" {self.port}")


@dataclass(frozen=True, slots=True)
class Rules:
    """What lives, and what was declared. Both have to refuse what the definition refuses."""

    live: Policies
    declared: Policies
    # Namespaces whose policies are the definition's alone.
    ours: frozenset[str]

    def opened(self, here: Endpoint, there: Endpoint) -> set[Port] | None:
        """Return the ports that tell something between two pods, besides one that nobody may use.

        Where rules guard the target, they are those that the rules open to anybody; elsewhere those
        that the source may use to anybody. None: all of them, since nothing binds either.
        """
        found = None
        for policies in (self.live, self.declared):
            opened = policies.ports("ingress", there, there.named)
            if opened is None:
                opened = policies.ports("egress", here, there.named)
            if opened is not None:
                found = (found or set()) | opened
        return found

    def cell(
        self,
        source: Place,
        target: Place | End,
        port: Port,
        here: Endpoint,
        seen: Iterable[tuple[Endpoint, Port]],
    ) -> Cell:
        """Decide one packet. Behind a Service may be several ends, which have to be one mind."""
        seen = tuple(seen)
        decided = [self.live.decide(here, there, number) for there, number in seen]
        verdict = decided[0]
        if len({one.allowed for one in decided}) > 1:
            verdict = Decision(None, "policies treat what is behind it differently")
        intended = [self.declared.decide(here, there, number).allowed for there, number in seen]
        home = any(
            place in self.ours for place in (here.namespace, *(there.namespace for there, _port in seen))
        )
        return Cell(
            source,
            target,
            port,
            verdict.allowed,
            verdict.because,
            verdict.by,
            forbidden=False in intended,
            missed=verdict.allowed is False
            and False not in intended
            and home
            and all(name.split("/")[0] in self.ours for name in verdict.by),
        )


def ports(policies: Iterable[Mapping[str, Any]], named: Iterable[Mapping[str, Port]]) -> set[Port]:
    """Return every port that any rule opens, and those that none does. SCTP is not spoken by any probe."""
    found = set(UNLISTED)
    called = list(named)
    for item in policies:
        if item["kind"] != "NetworkPolicy":
            continue
        alone = Policies([{**item, "spec": {**item["spec"], "podSelector": {}}}], {})
        home = Endpoint(item["metadata"]["namespace"])
        for way in ("ingress", "egress"):
            for names in called or [{}]:
                found |= alone.ports(way, home, names) or set()
    return {port for port in found if port.protocol in ("TCP", "UDP")}


def table(
    standing: Mapping[Place, Endpoint], ends: Sequence[End], rules: Rules, listening: set[Port]
) -> list[Cell]:
    """Compute every cell for the probes that stand. What must be refused comes first."""
    cells = []
    for source, here in standing.items():
        for target, there in standing.items():
            if source == target:
                # UDP is not listened for: one port shows how the probe hears that it is shut.
                telling = {port for port in listening if port.protocol == "TCP"} | set(UNLISTED)
                cells += [Cell(source, target, port, True) for port in sorted(telling)]
                continue
            opened = rules.opened(here, there)
            telling = (listening if opened is None else opened & listening) | set(UNLISTED)
            cells += [rules.cell(source, target, port, here, ((there, port),)) for port in sorted(telling)]
        cells += [rules.cell(source, end, end.port, here, end.behind) for end in ends]
    return sorted(cells, key=lambda cell: cell.allowed is True)


def sctp(policies: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Name the policies that speak of SCTP."""
    for item in policies:
        spec = item["spec"]
        rules = [*(spec.get("ingress") or []), *(spec.get("egress") or [])]
        if any(port.get("protocol") == "SCTP" for rule in rules for port in rule.get("ports") or []):
            yield f"{item['metadata']['namespace']}/{item['metadata']['name']}"
