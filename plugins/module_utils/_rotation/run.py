# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs the rotations of one namespace: first those that are open, then what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.rampart.k8s.plugins.module_utils._core import interrupts
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._generate import make
from ansible_collections.rampart.k8s.plugins.module_utils._generate.signing import signer
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease, LeaseHeldError
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.grouping import groups
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Journal, Member
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.machine import Machine
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.observe import View, look
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.order import Order
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.outlook import decided, held_by, make_shop
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.report import Report
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.store import Store
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes, names
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import Decision


@dataclass(slots=True)
class Runner:
    """Rotates namespace by namespace."""

    client: Client
    order: Order
    redactor: Redactor
    progress: Progress
    report: Report
    _shop: Shop | None = None

    def run(self, namespace: str, definitions: Sequence[Definition]) -> None:
        """Rotate in one namespace, as its only writer."""
        lease = Lease(self.client, namespace, names.LEASE_NAME, patience=float(self.order.lock_timeout))
        try:
            with interrupts.raised(), lease:
                self._run(Store(self.client, namespace, lease), definitions)
        except interrupts.Interrupted as stopped:
            step = self._shop.step if self._shop else "preflight"
            raise RampartError(
                f"The rotation in {namespace} was interrupted ({stopped.name}) at phase={step}.",
                next_step="run again to resume; until then old and new credentials are valid",
                phase=step,
            ) from None
        except LeaseHeldError as error:
            raise RampartError(
                f"The secrets of {namespace} are being rotated by somebody else: {error.message}",
                next_step=error.next_step,
                **error.details,
            ) from error

    def _run(self, store: Store, definitions: Sequence[Definition]) -> None:
        store.make_key()
        view = look(store, definitions, self.order.settings.classes)
        done = self._resume(store, view, definitions)
        if view.journals:
            view = look(store, definitions, self.order.settings.classes)
        waits = [(journal, group) for journal in view.journals for group in journal.open()]
        held = held_by(waits, self.order, waits=True) | dict.fromkeys(done, "its rotation is finished")
        due = [one for one in decided(view, self.order, held) if one.is_due]
        if not due or self.report.errors:
            return
        journal = Journal(
            self.order.rotation,
            store.namespace,
            self.order.reason,
            classes.written(classes.now()),
            [_group(listed) for listed in groups(due, view.graph)],
        )
        self._take(store, journal, view)
        for group in journal.groups:
            self.report.note(journal, group, resumed=False)

    def _resume(self, store: Store, view: View, definitions: Sequence[Definition]) -> frozenset[str]:
        """Finish what earlier runs have begun; return what was finished for the reason of this run."""
        finished: set[str] = set()
        given = {one.name: one for one in definitions}
        for journal in view.journals:
            for group in journal.groups:
                for member in group.members:
                    # A given value stands in no journal; the present task may still know it.
                    if member.name in given and not member.prints:
                        member.definition = given[member.name]
            self._take(store, journal, view)
            for group in journal.groups:
                self.report.note(journal, group, resumed=True)
                if group.finished and journal.reason == self.order.reason:
                    finished |= {member.name for member in group.members}
        return frozenset(finished)

    def _take(self, store: Store, journal: Journal, view: View) -> None:
        self._shop = make_shop(store, journal, view, self.order, self.redactor, self.progress)
        self._shop.sign = signer(store.client, journal.id, store.namespace)
        Machine(self._shop).run()
        self.report.restarted |= {f"{store.namespace}/{name}" for name in self._shop.restarted}
        self.report.warnings += self._shop.warnings


def _group(decisions: Sequence[Decision]) -> Group:
    rotating = frozenset(one.definition.name for one in decisions)
    published = frozenset(
        key.options["source"] for one in decisions for key in one.definition.keys if key.generator == "jwks"
    )
    return Group(
        [
            Member(
                one.definition,
                one.observed.object_name if one.observed.live else "",
                make.fates(one.definition, rotating, published),
            )
            for one in decisions
        ]
    )
