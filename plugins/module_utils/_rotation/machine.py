# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The rotation of secrets in one namespace, from all-old to all-new, or back.

What a rotation promises, whenever it is ended: every running consumer holds a credential that its backend
accepts, no third value ever appears, and the next run brings it to all-new or to all-old.

How it keeps that:

1. A new value is kept (Secret ``<name>-next-<id>``), and the old one copied (``<name>-last-<id>``), before
   anybody is told of either. The journal (Secret ``rampart-rotation-<id>``) is written before each step
   that acts on something, and holds names and keyed fingerprints only.
2. At the backend the new credential is valid beside the old one before anybody uses it, and the old one is
   revoked only when nobody was seen to use it.
3. The commit is the moment in which every consumer was seen to hold the new content and to be well. Before
   it every failure leads back, after it nothing does: what then fails is done again by the next run.
4. What has been done is read from what is there, never from the journal alone::

       question                             answered by
       is the new value made?               the Secret <name>-next-<id>
       does the backend accept it?          a login with it
       which stage is the Secret in?        the keyed fingerprint of its content
       which workloads are rolled out?      the fingerprint in their pod templates, and their status
       which pods hold it?                  the fingerprint their template had; a look into each container
       is the old one unused?               the pods that are left, and the backend's sessions
       which way is it going?               the journal; this alone cannot be observed

   So every step begins by looking whether it is done, and a run that resumes simply takes all steps again.
5. One writer: a Lease in the namespace; each write checks it, and is bound to the state that was read.

The steps of a group of secrets (grouping says which go together; stages says what INTRODUCE and ACTIVATE
mean; with plain values ACTIVATE changes nothing and costs nothing)::

    create -> set and test at the backend
           -> INTRODUCE: write, roll out, verify
           -> ACTIVATE:  write, roll out, verify        any failure so far: return
           -> verified (the commit) -> grace, unused -> RETIRE: write, roll out, verify
           -> revoke -> forget the copies -> leave the journal

    return: [INTRODUCE ->] OLD: write, roll out, verify -> unset at the backend -> forget the copies
            a failure of the return: MANUAL, both credentials stay valid, the commands are printed; the next
            run tries the return again

All groups of a journal take each step together, so that workloads roll out side by side; a group that
fails leaves and returns, the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import FORWARD, Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import (
    contents,
    finish,
    position,
    retreat,
    rollout,
    verify,
)
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Direction, Group, Phase
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.position import Position
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop

Act = Callable[[Group], None]


class Machine:
    """Takes the groups of one journal as far as they can go."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def run(self) -> None:
        """Go on from wherever the groups are; how each ended stands in it."""
        groups = list(self._shop.journal.open())
        self._shop.guarded(groups, lambda group: contents.load(self._shop, group))
        retreat.run(self._shop, [group for group in groups if self._goes_back(group)])
        going = [group for group in groups if group.direction is Direction.FORWARD and not group.verified]
        going = self._set(self._create(going))
        for stage in FORWARD:
            going = self._stage(going, stage)
        finish.commit(self._shop, going)
        open_groups = self._shop.journal.open()
        finish.run(self._shop, [group for group in open_groups if group.verified and not group.error])

    @staticmethod
    def _goes_back(group: Group) -> bool:
        return group.direction is Direction.RETURN or (group.error is not None and not group.verified)

    def _survivors(self, groups: Sequence[Group]) -> list[Group]:
        """Lead those back that failed, and return the others."""
        retreat.run(self._shop, [group for group in groups if group.error])
        return [group for group in groups if not group.error]

    def _attempt(self, groups: Sequence[Group], act: Act) -> list[Group]:
        self._shop.guarded(groups, act)
        return self._survivors(groups)

    def _create(self, groups: list[Group]) -> list[Group]:
        """Make what is not made yet."""
        new = [group for group in groups if not all(member.prints for member in group.members)]
        if new:
            self._shop.enter(new, Phase.CREATE)
            self._attempt(new, lambda group: contents.create(self._shop, group))
        return [group for group in groups if not group.error]

    def _set(self, groups: list[Group]) -> list[Group]:
        """Have the backends accept the new credentials, and log in with each of them."""
        if not groups:
            return []
        self._shop.enter(groups, Phase.SET)

        def act(group: Group) -> None:
            for member, backend in self._shop.backends(group):
                turn = self._shop.turn(member)
                backend.set(turn)
                backend.test(turn)

        return self._attempt(groups, act)

    def _stage(self, groups: list[Group], stage: Stage) -> list[Group]:
        """Write, roll out and verify one stage, for the groups in which it changes something."""
        concerned = [group for group in groups if any(member.changes(stage) for member in group.members)]
        found: dict[int, Position] = {}

        def observe(group: Group) -> None:
            found[id(group)] = position.of(self._shop, group)

        self._attempt(concerned, observe)
        todo = [group for group in concerned if not group.error]
        todo = [group for group in todo if not position.is_past(found[id(group)], stage)]
        if todo:
            self._shop.enter(todo, Phase.STAGE)
            todo = self._attempt(todo, lambda group: self._write(group, stage))
            rollout.run(self._shop, todo, stage, back=False)
            todo = self._survivors(todo)
            verify.run(self._shop, todo, stage)
            self._survivors(todo)
        return [group for group in groups if not group.error]

    def _write(self, group: Group, stage: Stage) -> None:
        position.write(self._shop, group, stage)
