# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a rotation asks of the system that a credential is for."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission

Content = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Turn:
    """One secret's turn in one rotation, as a backend is told of it."""

    rotation: str
    namespace: str
    name: str
    old: Content | None = field(repr=False)
    new: Content | None = field(repr=False)
    is_incident: bool = False

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Backend(Protocol):
    """The system that accepts a credential. Everything can be asked twice and is then done once."""

    def absent(self) -> str:
        """Say why it is not there to be asked; empty when it is."""

    def permissions(self) -> list[Permission]:
        """Return what it takes at the API server, beyond the Secrets of the namespace."""

    def credential(self, held: Content) -> Content:
        """Return what of a content the backend accepts by: the rest may change without it."""

    def check(self, turn: Turn) -> None:
        """Raise unless the old credential is accepted and we may do what comes. Reads only."""

    def issue(self, turn: Turn) -> Content:
        """Return what only the backend can say of a new credential: a user's name, a key that it makes."""

    def discard(self, turn: Turn) -> None:
        """Take back what was issued in this rotation, and is kept nowhere."""

    def set(self, turn: Turn) -> None:
        """Have the new credential accepted, beside the old one where the backend can do that."""

    def test(self, turn: Turn) -> None:
        """Raise unless the new credential is accepted, by using it."""

    def usage(self, turn: Turn) -> list[str]:
        """Return who uses the old credential now, as far as the backend can tell."""

    def expire(self, turn: Turn, until: datetime.datetime) -> None:
        """Let the old credential end by itself, should nobody come back to revoke it."""

    def revoke(self, turn: Turn) -> None:
        """Have the old credential refused from now on."""

    def unset(self, turn: Turn) -> None:
        """Make the backend as it was before the new credential."""

    def by_hand(self, turn: Turn) -> list[str]:
        """Return the commands by which a person does what ``unset`` does."""


class Unremarkable:
    """What a backend answers that has nothing of its own to say; whether it accepts is never among it."""

    __slots__ = ()

    def absent(self) -> str:
        """Be there."""
        return ""

    def permissions(self) -> list[Permission]:
        """Need nothing."""
        return []

    def credential(self, held: Content) -> Content:
        """Take all for it."""
        return held

    def discard(self, turn: Turn) -> None:
        """Discard nothing: nothing was issued that could be left over."""


class NoBackend(Unremarkable):
    """A secret that nothing but its consumers knows."""

    def check(self, turn: Turn) -> None:
        """Accept it."""

    def issue(self, turn: Turn) -> Content:
        """Issue nothing."""
        return {}

    def set(self, turn: Turn) -> None:
        """Set nothing."""

    def test(self, turn: Turn) -> None:
        """Accept it."""

    def usage(self, turn: Turn) -> list[str]:
        """Know of nobody."""
        return []

    def expire(self, turn: Turn, until: datetime.datetime) -> None:
        """Let it be."""

    def revoke(self, turn: Turn) -> None:
        """Revoke nothing."""

    def unset(self, turn: Turn) -> None:
        """Unset nothing."""

    def by_hand(self, turn: Turn) -> list[str]:
        """Name nothing to do."""
        return []
