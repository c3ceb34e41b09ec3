# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the steps of a rotation work with, and what a rotation in one namespace may take."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Backend, Content, Turn
from ansible_collections.rampart.k8s.plugins.module_utils._consumers import graph as consumers
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import Namespace, read
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._generate import make
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import LeaseLostError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.shell import Shell
from ansible_collections.rampart.k8s.plugins.module_utils._kube.waiting import Waiter
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import (
    Group,
    Journal,
    Member,
    Phase,
)
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.store import Store
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.classes import SecretClass
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person asked for."""

    max_unavailable: str = "25%"
    rollout_timeout: int = 300
    unused_timeout: int = 60
    inspect_pods: bool = True
    classes: Mapping[str, SecretClass] = field(default_factory=lambda: dict(classes.CLASSES))

    def at_once(self, workloads: int) -> int:
        """Return how many of so many workloads may be on their way at the same time; at least one."""
        text = self.max_unavailable.strip()
        number = workloads * int(text[:-1]) // 100 if text.endswith("%") else int(text)
        return max(1, min(number, workloads))


def stays(member: Member, backend: Backend) -> bool:
    """Say whether the credential is the same as before, whatever else of the Secret has changed."""
    return member.old is not None and backend.credential(member.old) == backend.credential(member.new or {})


@dataclass(slots=True)
class Shop:
    """Everything at hand for one journal."""

    store: Store
    journal: Journal
    backend: Callable[[Definition], Backend]
    # The content of a secret that is not rotated, by the name that it is declared by.
    current: Callable[[str], Content]
    shell: Shell
    waiter: Waiter
    redactor: Redactor
    progress: Progress
    settings: Settings
    sign: make.Sign | None = None
    # Whether the old ones are in foreign hands: nothing is waited for then.
    is_incident: bool = False
    now: Callable[[], datetime.datetime] = classes.now
    warnings: list[str] = field(default_factory=list)
    # Workloads that were restarted in this run, and how far the step under way is.
    restarted: set[str] = field(default_factory=set)
    step: str = ""

    def read(self) -> tuple[Namespace, consumers.Graph]:
        """Read the namespace in one pass."""
        space = read(self.store.client, self.store.namespace)
        return space, consumers.consumers(space)

    def turn(self, member: Member) -> Turn:
        """Tell a backend of a member."""
        return Turn(
            self.journal.id,
            self.store.namespace,
            member.name,
            member.old,
            member.new,
            self.is_incident,
        )

    def backends(self, group: Group) -> list[tuple[Member, Backend]]:
        """Return the members that a backend has to know, each with it.

        One that is not there yet begins with what is made for the first time. One that has accepted
        something before would go on with that, and nothing could be proved: without it nothing goes on.
        """
        found = []
        for member in group.members:
            backend = self.backend(member.definition)
            away = backend.absent() if member.definition.backend else ""
            if away and member.old is not None:
                raise RampartError(
                    f"The backend of Secret {member.definition} is away: {away}.",
                    next_step="start it, then run again",
                )
            if member.definition.backend and not away:
                found.append((member, backend))
        return found

    def replaced(self, group: Group) -> list[tuple[Member, Backend]]:
        """Return the members whose old credential is another one than the new, each with its backend.

        One that stays is in use: it must not be revoked.
        """
        return [
            (member, backend)
            for member, backend in self.backends(group)
            if member.old is not None and not stays(member, backend)
        ]

    def guarded(self, groups: Iterable[Group], act: Callable[[Group], None]) -> None:
        """Do something for each group that is well; what fails stays with its group.

        A lost lease is nobody's failure: somebody else is the writer now, and all ends at once.
        """

        def one(group: Group) -> None:
            if group.error is not None:
                return
            try:
                act(group)
            except LeaseLostError:
                raise
            except RampartError as error:
                group.error = error

        self.store.client.map(one, list(groups))

    def enter(self, groups: Iterable[Group], phase: Phase) -> None:
        """Write down what is about to be done, before it is done."""
        for group in groups:
            group.phase = phase
        self.step = str(phase)
        self.store.save(self.journal, str(phase))

    def say(self, text: str) -> None:
        """Show a line."""
        self.progress.say(f"rotation {self.journal.id} in {self.store.namespace}: {text}")
