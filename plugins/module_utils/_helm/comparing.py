# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Compares a release with what is live; where the two look different, the server has the last word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm import drift, fields
from ansible_collections.rampart.k8s.plugins.module_utils._helm.drift import CHANGED, MISSING, Drift, Rule
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import JSON_PATCH, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.diff import shown
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery, Resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.status import ApiError

# Only ever seen in dry runs.
MANAGER = "rampart-verify"
# Two objects are only compared with each other: nothing of this is shown.
KEY = b"compare"


@dataclass(frozen=True, slots=True)
class Member:
    """One object of a release: as the manifest has it, and as it is live."""

    wanted: dict[str, Any]
    resource: Resource
    live: dict[str, Any] | None = None

    @property
    def ref(self) -> Ref:
        return Ref.of(self.wanted)


def compare(client: Client, members: Sequence[Member], rules: Sequence[Rule]) -> list[Drift]:
    """Return what is missing, changed or added by others."""
    found: list[Drift] = []
    for judged in client.map(lambda member: _compare(client, member, rules), members):
        found += judged
    return found


def _compare(client: Client, member: Member, rules: Sequence[Rule]) -> list[Drift]:
    if member.live is None:
        return [Drift(MISSING, member.ref)]
    live = {"apiVersion": member.wanted["apiVersion"], "kind": member.wanted["kind"], **member.live}
    found = list(drift.foreign(member.wanted, live, rules))
    paths, names = drift.changed(member.wanted, live, rules)
    if paths:
        confirmed = _confirm(client, member, live, rules)
        if confirmed is not None:
            paths, names = confirmed
    if paths:
        managers = {manager for path in paths for manager in drift.writers(live, path)}
        others = sorted(managers - {*drift.HELM, MANAGER})
        found.append(Drift(CHANGED, member.ref, tuple(names), ", ".join(others)))
    return found


def _confirm(
    client: Client, member: Member, live: Mapping[str, Any], rules: Sequence[Rule]
) -> tuple[list[fields.Path], list[str]] | None:
    """Let the server apply the manifest without keeping it; None when it does not say what would change."""
    try:
        after = client.apply(
            member.resource.path(member.ref),
            member.wanted,
            field_manager=MANAGER,
            force=True,
            dry_run=True,
            target=str(member.ref),
        )
    except ApiError as error:
        # Who may only read sees the difference all the same; an immutable field says that there is one.
        if error.code in (400, 403, 409, 422):
            return None
        raise
    made = shown({"apiVersion": live["apiVersion"], "kind": live["kind"], **after}, KEY)
    return drift.changed(made, shown(live, KEY), rules)


def residue(
    client: Client,
    discovery: Discovery,
    members: Sequence[Member],
    others: Sequence[tuple[int, Sequence[Mapping[str, Any]]]],
    rules: Sequence[Rule],
    release: tuple[str, str],
) -> list[Drift]:
    """Return what is left of other revisions: fields of our objects, and objects that we do not have."""
    found: list[Drift] = []
    for member in members:
        if member.live is None:
            continue
        live = {"apiVersion": member.wanted["apiVersion"], "kind": member.wanted["kind"], **member.live}
        same = [
            (number, item)
            for number, objects in others
            for item in objects
            if Ref.of(item).identity == member.ref.identity
        ]
        found += drift.left_fields(member.wanted, live, same, rules)

    def look(entry: tuple[Ref, int]) -> list[Drift]:
        ref, number = entry
        resource = discovery.find(ref.api_version, ref.kind)
        live = client.find(resource.path(ref), target=str(ref)) if resource else None
        gone = live is None or live["metadata"].get("deletionTimestamp")
        if gone or live is None or not drift.is_of_release(live, *release):
            return []
        return [Drift(drift.RESIDUE, ref, revision=number)]

    left = drift.left_objects((member.ref for member in members), others)
    for each in client.map(look, sorted(left.items())):
        found += each
    return found


def remove(client: Client, discovery: Discovery, left: Sequence[Drift]) -> list[Drift]:
    """Remove what is left over, each only as long as it is what was seen; return what was removed."""
    for one in left:
        resource = discovery.require(one.ref.api_version, one.ref.kind)
        path, target = resource.path(one.ref), str(one.ref)
        live = client.find(path, target=target)
        if live is None:
            continue
        if not one.fields:
            client.delete(path, uid=live["metadata"]["uid"], target=target)
            continue
        patch = drift.removal(one, live)
        client.call("PATCH", path, body=patch, content_type=JSON_PATCH, target=target, verb="clean")
    return list(left)
