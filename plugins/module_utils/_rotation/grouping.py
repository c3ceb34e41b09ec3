# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which secrets change together. Pure: from what is due, what follows from what, and who uses it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Graph
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import RESTART
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import Decision


def with_followers(decisions: Iterable[Decision]) -> list[Decision]:
    """Let what follows from a secret that changes change with it; all of one namespace."""
    found = {one.definition.name: one for one in decisions}
    while True:
        taken = {
            name: source
            for name, one in found.items()
            if not one.is_due
            for source in sorted(one.definition.sources)
            if source in found and found[source].is_due
        }
        if not taken:
            return list(found.values())
        for name, source in taken.items():
            found[name] = Decision(found[name].observed, True, f"it follows from {source}, which changes")


def groups(due: Sequence[Decision], graph: Graph) -> list[list[Decision]]:
    """Split what is due into groups, each in the order in which it has to be made.

    Together go secrets that follow from each other, and those of one workload: it is then restarted once,
    and either with all new ones or with none.
    """
    by_name = {one.definition.name: one for one in due}
    neighbours: dict[str, set[str]] = {name: {name} for name in by_name}

    def join(names: Iterable[str]) -> None:
        listed = [name for name in names if name in by_name]
        for one in listed:
            neighbours[one].update(listed)

    users: dict[str, set[str]] = defaultdict(set)
    for name, one in by_name.items():
        join({name, *one.definition.sources})
        for consumer in graph.get(one.observed.object_name) or []:
            if consumer.action == RESTART:
                users[str(consumer)].add(name)
    for shared in users.values():
        join(shared)
    return [
        _ordered([by_name[name] for name in by_name if name in together])
        for together in _components(neighbours)
    ]


def _components(neighbours: Mapping[str, set[str]]) -> list[set[str]]:
    found: list[set[str]] = []
    seen: set[str] = set()
    for name in neighbours:
        if name in seen:
            continue
        together, edge = {name}, {name}
        while edge:
            edge = {other for one in edge for other in neighbours[one]} - together
            together |= edge
        seen |= together
        found.append(together)
    return found


def _ordered(group: list[Decision]) -> list[Decision]:
    """Put sources before what follows from them."""
    names = {one.definition.name for one in group}
    placed: list[Decision] = []
    left = list(group)
    while left:
        done = {one.definition.name for one in placed}
        ready = [one for one in left if not (one.definition.sources & names) - done]
        if not ready:
            circle = ", ".join(sorted(one.definition.name for one in left))
            raise RampartError(
                f"These secrets follow from each other in a circle: {circle}.",
                next_step="let one of them be made by itself",
            )
        placed += ready
        left = [one for one in left if one not in ready]
    return placed
