# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The exact commands by which a person brings a group back when the machine could not. They show no value."""

from __future__ import annotations

import json
import shlex

from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Member
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

# Takes the content of one Secret over into another one, from pipe to pipe.
_DATA = '-o=jsonpath=\'{"{\\"data\\":"}{.data}{"}"}\''


def commands(shop: Shop, group: Group) -> list[str]:
    """Return the commands, in order: Secrets, pod templates, backends, and what the rotation kept."""
    kubectl = f"kubectl -n {shlex.quote(shop.store.namespace)}"
    listed: list[str] = []
    for member in group.members:
        listed += _secret(kubectl, shop.journal.id, member)
    for workload, said in sorted(group.templates.items()):
        if said:
            patch = json.dumps({"spec": {"template": {"metadata": {"annotations": said}}}})
            listed += [
                f"{kubectl} patch {workload.lower()} --type=merge -p {shlex.quote(patch)}",
                f"{kubectl} rollout status {workload.lower()}",
            ]
    for member, backend in shop.backends(group):
        listed += backend.by_hand(shop.turn(member))
    kept = [
        names.beside(member.name, role, shop.journal.id)
        for member in group.members
        for role in (names.PENDING, names.PREVIOUS)
    ]
    listed.append(
        f"{kubectl} delete secret --ignore-not-found {' '.join(kept)} {names.journal(shop.journal.id)}"
    )
    return listed


def _secret(kubectl: str, rotation: str, member: Member) -> list[str]:
    if member.is_versioned:
        old, new = member.before, member.objects.get(Stage.ACTIVATE, "")
        return [
            f"# lead every reference to Secret {new} back to {old} (kubectl edit), then: "
            f"{kubectl} delete secret --ignore-not-found {new}"
        ]
    if not member.before:
        return [f"{kubectl} delete secret --ignore-not-found {member.name}"]
    previous = names.beside(member.name, names.PREVIOUS, rotation)
    return [
        f"{kubectl} get secret {previous} {_DATA} | {kubectl} patch secret {member.before} --type=merge "
        "--patch-file=/dev/stdin"
    ]
