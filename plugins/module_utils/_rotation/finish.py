# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What comes after the commit: the old ones are retired when nobody uses them. Nothing here leads back."""

from __future__ import annotations

import datetime

from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import (
    contents,
    position,
    rollout,
    unused,
    verify,
)
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Member, Phase
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes


def commit(shop: Shop, groups: list[Group]) -> None:
    """Note that the new ones are in use everywhere.

    What one workload uses was changed together; from here on each goes its own way, with its own grace.
    """
    if not groups:
        return
    now = shop.now()
    for group in groups:
        shop.say(f"{group.title}: every consumer uses the new content")
    kept = [group for group in shop.journal.groups if group not in groups]
    groups = [part for group in groups for part in _apart(group)]
    for group in groups:
        group.verified = classes.written(now)
        group.until = classes.written(now + _grace(shop, group))
    shop.journal.groups = kept + groups
    shop.enter(groups, Phase.FINISH)

    def expire(group: Group) -> None:
        until = classes.read(group.until)
        if until is not None and until > now:
            for member, backend in shop.replaced(group):
                backend.expire(shop.turn(member), until)

    shop.guarded(groups, expire)


def _apart(group: Group) -> list[Group]:
    """Split a group into secrets that follow from each other."""
    parts: list[list[Member]] = []
    for member in group.members:
        names = {member.name, *member.definition.sources}
        near = [part for part in parts if any(one.name in names for one in part)]
        joined = [one for part in near for one in part] + [member]
        parts = [part for part in parts if part not in near] + [joined]
    return [Group(part, group.direction, group.phase) for part in parts]


def _grace(shop: Shop, group: Group) -> datetime.timedelta:
    is_new = all(member.old is None for member in group.members)
    if shop.is_incident or is_new:
        return datetime.timedelta()
    known = shop.settings.classes
    longest = max(known[member.definition.secret_class].grace_seconds for member in group.members)
    return datetime.timedelta(seconds=longest)


def is_over(shop: Shop, group: Group) -> bool:
    """Say whether the time is over in which the old one stays valid in any case."""
    until = classes.read(group.until)
    return shop.is_incident or until is None or shop.now() >= until


def run(shop: Shop, groups: list[Group]) -> None:
    """Retire the old ones that are unused and out of grace; the others wait for a later run."""
    due = [group for group in groups if is_over(shop, group)]
    if not due:
        return
    shop.step = "finish"
    unused.wait(shop, [group for group in due if not group.revoked])
    free = [group for group in due if not group.holders or shop.is_incident]
    _retire(shop, [group for group in free if not group.error and not group.revoked])
    _revoke(shop, [group for group in free if not group.error and not group.revoked])
    done = [group for group in free if group.revoked and not group.error]
    shop.guarded(done, lambda group: contents.forget(shop, group))
    _leave(shop, [group for group in done if not group.error])


def _retire(shop: Shop, groups: list[Group]) -> None:
    """Take old keys and authorities away where they were kept beside the new ones.

    A Secret that was deleted or set back since the commit is made new again: the old one is about to end.
    """
    todo: list[Group] = []

    def write(group: Group) -> None:
        found = position.write(shop, group, Stage.RETIRE)
        changes = any(member.changes(Stage.RETIRE) for member in group.members)
        if changes or any(Stage.RETIRE not in stages for stages in found.values()):
            todo.append(group)

    shop.guarded(groups, write)
    rollout.run(shop, todo, Stage.RETIRE, back=False)
    verify.run(shop, [group for group in todo if not group.error], Stage.RETIRE)


def _revoke(shop: Shop, groups: list[Group]) -> None:
    def act(group: Group) -> None:
        for member, backend in shop.replaced(group):
            backend.revoke(shop.turn(member))

    shop.guarded(groups, act)
    done = [group for group in groups if not group.error]
    for group in done:
        group.revoked = True
    if done:
        shop.enter(done, Phase.FINISH)


def _leave(shop: Shop, groups: list[Group]) -> None:
    """Take groups out of the journal: they are done with."""
    if not groups:
        return
    for group in groups:
        group.finished = True
    shop.store.save(shop.journal, "leave")
    for group in groups:
        shop.say(f"{group.title}: done, the old content is retired")
