# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a run would do in a namespace: what is due, what goes together, what is still open. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ansible_collections.rampart.k8s.plugins.module_utils._backends.choose import Backends
from ansible_collections.rampart.k8s.plugins.module_utils._backends.reach import Surroundings
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import access
from ansible_collections.rampart.k8s.plugins.module_utils._kube.shell import Shell
from ansible_collections.rampart.k8s.plugins.module_utils._kube.waiting import Waiter
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import contents, finish, preflight, unused
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.grouping import groups, with_followers
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Direction, Group, Journal
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.observe import (
    View,
    look,
    require_namespace,
)
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.order import Order
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.store import Store
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import ALL, MISSING, Decision, decide


@dataclass(slots=True)
class Outlook:
    """What would be done in one namespace."""

    view: View
    decisions: list[Decision]
    together: list[list[Decision]]
    # Open groups that the run would go on with, and those that wait for somebody or for a time.
    resumes: list[tuple[Journal, Group]] = field(default_factory=list)
    waits: list[tuple[Journal, Group]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The namespace."""
        return self.view.store

    @property
    def changes(self) -> bool:
        """Whether anything would be written."""
        return bool(self.together or self.resumes)


def make_shop(
    store: Store, journal: Journal, view: View, order: Order, redactor: Redactor, progress: Progress
) -> Shop:
    """Lay out everything that the steps of a rotation work with."""
    around = Surroundings(store.client, store.namespace)
    return Shop(
        store,
        journal,
        Backends(around, redactor).of,
        view.content,
        Shell(store.client),
        Waiter(store.client, progress),
        redactor,
        progress,
        order.settings,
        is_incident=order.is_incident or journal.is_incident,
        now=classes.now,
    )


def decided(view: View, order: Order, held: Mapping[str, str]) -> list[Decision]:
    """Decide about every declared secret; one that is held by an open rotation says why it is left alone."""
    now = classes.now()
    decisions = []
    for one in view.observed:
        name = one.definition.name
        scope = order.scope if order.concerns(one, view.graph) else MISSING
        made = decide(
            one, scope=scope, now=now, rotation=order.rotation if order.is_named else "", cause=order.reason
        )
        decisions.append(Decision(one, False, held[name]) if name in held else made)
    return with_followers(decisions)


def held_by(open_groups: Iterable[tuple[Journal, Group]], order: Order, *, waits: bool) -> dict[str, str]:
    """Say which secrets open rotations hold: while they wait, or since this run finishes them."""
    found: dict[str, str] = {}
    for journal, group in open_groups:
        if waits:
            why = f"its rotation {journal.id} waits: " + (
                "; ".join(group.holders) or f"the old one stays valid until {group.until} at least"
            )
        elif group.direction is Direction.RETURN or (order.scope == ALL and journal.reason != order.reason):
            # When it is finished, this run begins with it anew.
            continue
        else:
            why = f"its rotation {journal.id} is finished"
        found |= dict.fromkeys((member.name for member in group.members), why)
    return found


def outlook(
    store: Store, definitions: Sequence[Definition], order: Order, redactor: Redactor, *, check_mode: bool
) -> Outlook:
    """Look at a namespace and say what would be done; whatever would stop it half way is found here."""
    view = look(store, definitions, order.settings.classes)
    made = Outlook(view, [], [])
    _sort_open(made, order, redactor)
    held = held_by(made.waits, order, waits=True) | held_by(made.resumes, order, waits=False)
    made.decisions = decided(view, order, held)
    due = [one for one in made.decisions if one.is_due]
    made.together = groups(due, view.graph)
    if not made.changes:
        return made
    if not check_mode:
        require_namespace(store)
    backends = Backends(Surroundings(store.client, store.namespace), redactor)
    inspect = order.settings.inspect_pods
    access.require(
        store.client,
        preflight.permissions(store.namespace, due, view.graph, backends.of, inspect=inspect),
    )
    for one in due:
        preflight.check(view.space, view.graph, one)
    check = partial(preflight.check_backend, backends.of, store.namespace, is_incident=order.is_incident)
    store.client.map(check, due)
    return made


def _sort_open(made: Outlook, order: Order, redactor: Redactor) -> None:
    """Tell open groups that can go on from those that wait, by what is observed now."""
    for journal in made.view.journals:
        shop = make_shop(made.store, journal, made.view, order, redactor, Progress(None))
        committed = []
        for group in journal.open():
            if group.direction is Direction.RETURN or not group.verified or group.revoked:
                made.resumes.append((journal, group))
            elif not finish.is_over(shop, group):
                made.waits.append((journal, group))
            else:
                committed.append(group)
        shop.guarded(committed, partial(contents.load, shop))
        unused.note(shop, committed)
        for group in committed:
            free = group.error is not None or not group.holders or shop.is_incident
            (made.resumes if free else made.waits).append((journal, group))
            group.error = None
