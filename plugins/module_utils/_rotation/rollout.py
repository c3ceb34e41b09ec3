# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings the consumers of a stage to begin anew: each workload once, not too many at the same time.

What a pod template says is a keyed fingerprint of the content, never a time: what was rolled out before a
kill is seen to be done, and going back leads to the very revision that ran before.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Consumer, Graph
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import ACCOUNT, INGRESS
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import (
    RESTART,
    template_annotations,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import Target
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import ORDER, Group, Member, Phase
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

JSON_PATCH = "application/json-patch+json"
_KINDS = {kind.kind: kind for kind in (*KINDS, ACCOUNT, INGRESS)}


@dataclass(slots=True)
class Change:
    """What one consumer is changed by."""

    group: Group
    consumer: Consumer
    # Annotations of the pod template: what they are to say, None where they are to say nothing.
    wanted: dict[str, str | None] = field(default_factory=dict)
    # References that lead to another version from now on: JSON pointer to (old, new) name.
    moves: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The consumer, as a journal names it."""
        return f"{self.consumer.kind}/{self.consumer.name}"

    @property
    def missing(self) -> dict[str, str | None]:
        """The annotations that do not say yet what they are to say."""
        workload = self.consumer.workload
        said = template_annotations(workload) if workload is not None else {}
        return {key: value for key, value in self.wanted.items() if said.get(key) != value}

    @property
    def rolls(self) -> bool:
        """Whether its pods are replaced."""
        return self.consumer.action == RESTART


def affects(member: Member, stage: Stage, *, back: bool) -> bool:
    """Say whether a stage means another content for the consumers of a member than the stages around it."""
    if not member.prints:
        return False
    if not back:
        return member.differs_from_old(stage)
    return any(member.prints[other] != member.prints[stage] for other in ORDER[ORDER.index(stage) + 1 :])


def users(graph: Graph, member: Member) -> Iterator[tuple[str, Consumer]]:
    """Yield the consumers of a member with the name that they know it by."""
    for name in dict.fromkeys((*member.objects.values(), member.before, member.name)):
        yield from ((name, consumer) for consumer in graph.get(name) or [])


def plan(groups: Iterable[Group], graph: Graph, stage: Stage, *, back: bool) -> list[Change]:
    """Say what has to change for a stage; a consumer of several secrets is changed once."""
    found: dict[tuple[int, str], Change] = {}
    for group in groups:
        for member in group.members:
            if not affects(member, stage, back=back):
                continue
            for secret, consumer in users(graph, member):
                key = (id(group), f"{consumer.kind}/{consumer.name}")
                change = found.setdefault(key, Change(group, consumer))
                _want(change, member, secret, consumer, stage)
    return [one for one in found.values() if one.wanted or one.moves]


def _want(change: Change, member: Member, secret: str, consumer: Consumer, stage: Stage) -> None:
    if member.is_versioned:
        # Another name in the template is change enough.
        if secret != member.objects[stage]:
            moved = (secret, member.objects[stage])
            change.moves |= dict.fromkeys(consumer.pointers, moved)
    elif change.rolls:
        annotation = names.template_annotation(member.name)
        before = change.group.templates.get(change.key, {})
        if member.differs_from_old(stage):
            change.wanted[annotation] = member.prints[stage]
        elif annotation in before:
            # What was not written down was not changed.
            change.wanted[annotation] = before[annotation]


def run(shop: Shop, groups: list[Group], stage: Stage, *, back: bool) -> None:
    """Change what has to change and wait until it stands; what goes wrong stays with its group."""
    if not groups:
        return
    _space, graph = shop.read()
    changes = plan(groups, graph, stage, back=back)
    if not changes:
        return
    if not back:
        _remember(shop, changes)
    for one in (each for each in changes if not each.rolls):
        _apply(shop, one)
    rolling = {one.key: one for one in changes if one.rolls}
    if rolling:
        _roll(shop, rolling)


def _roll(shop: Shop, rolling: Mapping[str, Change]) -> None:
    done = itertools.count(1)

    def change_of(target: Target) -> Change:
        return rolling[f"{target.ref.kind}/{target.ref.name}"]

    def begin(target: Target) -> None:
        change = change_of(target)
        if change.group.error:
            raise RampartError(f"{change.consumer} was left as it is, since another consumer failed.")
        _apply(shop, change)
        shop.step = f"rollout {next(done)}/{len(rolling)}"

    def failed(target: Target, error: RampartError) -> None:
        change_of(target).group.error = change_of(target).group.error or error

    shop.step = f"rollout 0/{len(rolling)}"
    shop.waiter.settle(
        [_target(shop, one) for one in rolling.values()],
        shop.settings.rollout_timeout,
        at_once=shop.settings.at_once(len(rolling)),
        begin=begin,
        failed=failed,
    )


def _remember(shop: Shop, changes: Iterable[Change]) -> None:
    """Write down what the templates say now, before any of it is changed."""
    for one in changes:
        workload = one.consumer.workload
        said = template_annotations(workload) if workload is not None else {}
        kept = one.group.templates.setdefault(one.key, {})
        for annotation in one.wanted:
            kept.setdefault(annotation, said.get(annotation))
        one.group.phase = Phase.ROLLOUT
    shop.store.save(shop.journal, "rollout")


def _target(shop: Shop, change: Change) -> Target:
    kind = _KINDS[change.consumer.kind]
    ref = Ref(kind.group, kind.kind, shop.store.namespace, change.consumer.name)
    return Target(ref, Resource(kind.group, kind.kind, kind.plural, namespaced=True))


def _apply(shop: Shop, change: Change) -> None:
    """Change one consumer; what it says already is not said again."""
    missing = change.missing
    if not missing and not change.moves:
        return
    kind = _KINDS[change.consumer.kind]
    path = kind.path(shop.store.namespace, change.consumer.name)
    target = f"{kind.kind} {shop.store.namespace}/{change.consumer.name}"
    body: Any = {
        "metadata": {"annotations": {names.FENCING: shop.store.fencing}},
        "spec": {"template": {"metadata": {"annotations": missing}}},
    }
    kind_of_patch = MERGE
    if change.moves:
        body, kind_of_patch = list(_operations(change, missing)), JSON_PATCH
    shop.store.patch("rollout", path, body, target, kind_of_patch)
    if change.rolls:
        shop.restarted.add(change.key)
    shop.say(f"{change.consumer}: changed")


def _operations(change: Change, missing: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
    """Yield JSON patches: references lead to another version, each only if it still says what was read."""
    for pointer, (old, new) in change.moves.items():
        yield {"op": "test", "path": pointer, "value": old}
        yield {"op": "replace", "path": pointer, "value": new}
    workload = change.consumer.workload
    said = template_annotations(workload) if workload is not None else {}
    place = "/spec/template/metadata/annotations"
    if missing and not said:
        yield {"op": "add", "path": place, "value": {}}
    for key, value in missing.items():
        path = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
        yield {"op": "remove", "path": path} if value is None else {"op": "add", "path": path, "value": value}
