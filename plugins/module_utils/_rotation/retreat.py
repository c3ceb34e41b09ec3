# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The way back of groups that failed: all-old again, and proved, or left to a person with both valid."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import (
    by_hand,
    contents,
    position,
    rollout,
    verify,
)
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Direction, Group, Phase
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop, stays


def run(shop: Shop, groups: list[Group]) -> None:
    """Lead groups back; afterwards their error says how that ended."""
    if not groups:
        return
    causes = {id(group): group.error for group in groups}
    for group in groups:
        if group.direction is Direction.FORWARD:
            group.direction = Direction.RETURN
            group.cause = group.error.message if group.error else ""
        group.error = None
    shop.enter(groups, Phase.RETURN)
    for group in groups:
        shop.say(f"{group.title}: returning to the old content, since {group.cause}")
    _way_back(shop, groups)
    for group in groups:
        group.returned = group.error is None
        group.phase = Phase.RETURN if group.returned else Phase.MANUAL
    shop.store.save(shop.journal, "returned")
    for group in groups:
        commands = by_hand.commands(shop, group) if group.error else []
        group.error = _told(group, causes[id(group)], group.error, commands)


def _way_back(shop: Shop, groups: list[Group]) -> None:
    shop.guarded(groups, lambda group: contents.load(shop, group))
    shop.guarded(groups, lambda group: _unset(shop, group, in_place=True))
    for stage in (Stage.INTRODUCE, Stage.OLD):
        _stage(shop, groups, stage)
    shop.guarded(groups, lambda group: _unset(shop, group, in_place=False))

    def clear(group: Group) -> None:
        for member in group.members:
            contents.withdraw(shop, member)
        contents.forget(shop, group)

    shop.guarded(groups, clear)


def _stage(shop: Shop, groups: list[Group], stage: Stage) -> None:
    """Write, roll back and verify one stage, for the groups that went beyond it."""
    todo: list[Group] = []

    def write(group: Group) -> None:
        if not all(member.prints for member in group.members):
            # Nothing but the copies was made.
            return
        found = position.write(shop, group, stage, back=True)
        # A killed return has written the old content, but its rollout may not be done.
        begun = stage is Stage.OLD and bool(group.templates)
        if begun or position.is_past(found, stage):
            todo.append(group)

    shop.guarded(groups, write)
    rollout.run(shop, [group for group in todo if not group.error], stage, back=True)
    verify.run(shop, [group for group in todo if not group.error], stage, back=True)


def _unset(shop: Shop, group: Group, *, in_place: bool) -> None:
    """Have the backends be as before.

    One that has room for one credential only comes before the Secrets, any other one after them.
    """
    for member, backend in shop.backends(group):
        if (member.definition.strategy == "in_place") is not in_place:
            continue
        turn = shop.turn(member)
        if member.new is None:
            backend.discard(turn)
            continue
        if not stays(member, backend):
            backend.unset(turn)
        if member.old is not None:
            backend.check(turn)


def _told(
    group: Group, cause: RampartError | None, stuck: RampartError | None, commands: list[str]
) -> RampartError:
    """Word how a group ended that had to return."""
    why = cause.message if cause else group.cause
    step = cause.next_step if cause else ""
    if stuck is None:
        return RampartError(
            f"{group.title}: {why} Secret, backend and pod templates are back in their old state; that was "
            "verified.",
            next_step=step or "settle the cause and run again",
            rollback="verified",
        )
    return RampartError(
        f"{group.title}: {why} The return to the old state failed too: {stuck.message} Both credentials stay "
        "valid.",
        next_step="settle the cause and run again, which tries the return again; or finish it by hand: "
        + "; ".join(commands),
        rollback="manual",
        commands=commands,
    )
