# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The exact commands by which a person brings a group back when the machine could not. They show no value."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Graph
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import Namespace
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import RELOAD, ROLLS
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import hooks, rollout, verify
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.contents import SAID_BEFORE
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Member
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop, stays
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

# Takes the content of one Secret, and what was said about it, over into another one, from pipe to pipe.
_SAID = SAID_BEFORE.replace(".", "\\.")
_TAKEN = (
    '-o=jsonpath=\'{"{\\"data\\":"}{.data}{",\\"metadata\\":{\\"annotations\\":"}'
    f"{{.metadata.annotations.{_SAID}}}" + '{"}}"}\''
)


def commands(shop: Shop, group: Group) -> list[str]:
    """Return the commands, in order: Secrets, consumers, backends, and what the rotation kept."""
    kubectl = f"kubectl -n {shlex.quote(shop.store.namespace)}"
    listed: list[str] = []
    for member in group.members:
        listed += content(kubectl, shop.journal.id, member)
    listed += _consumers(kubectl, shop, group)
    for member in group.members:
        listed += _backend(shop, member)
    return listed + list(_versions(kubectl, group)) + [_kept(kubectl, shop, group)]


def content(kubectl: str, rotation: str, member: Member) -> list[str]:
    """Return what brings one Secret back; a version is taken away when nothing refers to it any more."""
    if member.is_versioned or not member.prints:
        return []
    if not member.before:
        return [f"{kubectl} delete secret --ignore-not-found {member.name}"]
    previous = names.beside(member.name, names.PREVIOUS, rotation)
    listed = [
        f"{kubectl} get secret {previous} {_TAKEN} | {kubectl} patch secret {member.before} --type=merge "
        "--patch-file=/dev/stdin"
    ]
    added = sorted((member.new or {}).keys() - (member.old or {}).keys())
    if added:
        patch = json.dumps({"data": dict.fromkeys(added)})
        listed.append(f"{kubectl} patch secret {member.before} --type=merge -p {shlex.quote(patch)}")
    return listed


def _backend(shop: Shop, member: Member) -> list[str]:
    """Return what has the backend refuse the new credential, unless it is the one that is in use."""
    if not member.definition.backend or member.new is None:
        return []
    backend = shop.backend(member.definition)
    return [] if stays(member, backend) else backend.by_hand(shop.turn(member))


def _consumers(kubectl: str, shop: Shop, group: Group) -> Iterator[str]:
    """Yield what leads the consumers back: templates, references, and those that load it by themselves."""
    try:
        space, graph = shop.read()
    except RampartError:
        space, graph = None, {}
        yield (
            "# the namespace could not be read: lead references to new versions back (kubectl edit), and "
            f"have workloads with the annotation {names.RELOAD} load their files again"
        )
    moves = {one.key: one.moves for one in rollout.plan([group], graph, Stage.OLD, back=True) if one.moves}
    for workload in sorted(group.templates.keys() | moves.keys()):
        yield from _workload(
            kubectl, workload, group.templates.get(workload) or {}, moves.get(workload) or {}
        )
    if space is not None:
        yield from _reloads(kubectl, shop, group, space, graph)


def _workload(
    kubectl: str, workload: str, said: Mapping[str, Any], moves: Mapping[str, tuple[str, str]]
) -> Iterator[str]:
    kind = workload.lower()
    if said:
        patch = json.dumps({"spec": {"template": {"metadata": {"annotations": said}}}})
        yield f"{kubectl} patch {kind} --type=merge -p {shlex.quote(patch)}"
    if moves:
        steps = [{"op": "replace", "path": place, "value": old} for place, (_new, old) in moves.items()]
        yield f"{kubectl} patch {kind} --type=json -p {shlex.quote(json.dumps(steps))}"
    if (said or moves) and workload.partition("/")[0] in ROLLS:
        yield f"{kubectl} rollout status {kind}"


def _reloads(kubectl: str, shop: Shop, group: Group, space: Namespace, graph: Graph) -> Iterator[str]:
    """Yield what has files written anew, and programs load them."""
    used = verify.uses([group], graph, Stage.OLD, back=True)
    found = {(one.consumer.kind, one.consumer.name): one.consumer for one in used}
    asked = [
        (pod, one.hook)
        for one in found.values()
        if one.action == RELOAD
        for pod in space.pods_of(one.kind, one.name)
    ]
    for pod, _hook in asked:
        yield f"{kubectl} annotate pod {pod['metadata']['name']} --overwrite {names.REFRESH}=by-hand"
    for pod, hook in asked:
        if hook is not None:
            yield (
                f"{hooks.command(shop.store.namespace, hook, pod)}  "
                "# when its files are written anew: within a minute"
            )


def _versions(kubectl: str, group: Group) -> Iterator[str]:
    for member in group.members:
        made = sorted(set(member.objects.values()) - {member.objects.get(Stage.OLD)})
        if member.is_versioned and made:
            yield f"{kubectl} delete secret --ignore-not-found {' '.join(made)}"


def _kept(kubectl: str, shop: Shop, group: Group) -> str:
    """Take away what the rotation kept, when nobody else needs it."""
    journal = names.journal(shop.journal.id)
    if any(one is not group for one in shop.journal.open()):
        return f"# run again: Secret {journal} is needed for other secrets too, and the copies are with it"
    kept = [
        names.beside(member.name, role, shop.journal.id)
        for member in group.members
        for role in (names.PENDING, names.PREVIOUS)
    ]
    return f"{kubectl} delete secret --ignore-not-found {' '.join(kept)} {journal}"
