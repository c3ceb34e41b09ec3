# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Where the members of a group stand, as observed, and what brings them to a stage."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import contents
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import ORDER, Group, Member
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop

# Each member by its name with the stages whose content it holds: several where they hold the same.
Position = dict[str, list[Stage]]


def of(shop: Shop, group: Group) -> Position:
    """Return the stages that each member of a group is in."""
    return {member.name: contents.reached(shop, member) for member in group.members}


def is_past(found: Position, stage: Stage) -> bool:
    """Say whether a group has left a stage behind: then it was proved, and must not be gone back to."""
    return any(ORDER.index(stages[0]) > ORDER.index(stage) for stages in found.values())


def to_write(group: Group, found: Position, stage: Stage, *, back: bool) -> list[Member]:
    """Return the members whose Secret has to be written for a stage."""
    place = ORDER.index(stage)
    return [
        member
        for member in group.members
        if stage not in found[member.name] and (ORDER.index(found[member.name][0]) > place) is back
    ]


def write(shop: Shop, group: Group, stage: Stage, *, back: bool = False) -> Position:
    """Write what has to be written for a stage; return where the members stood before."""
    found = of(shop, group)
    todo = to_write(group, found, stage, back=back)
    if back and stage is Stage.OLD:
        # A person may have brought the content back, and not what is said about it; or it was deleted.
        todo = [member for member in group.members if member in todo or not member.is_versioned]
    for member in todo:
        if not back or member.before:
            contents.write(shop, member, stage)
    return found
