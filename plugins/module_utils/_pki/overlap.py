# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Replaces what signs, an authority or a key for tokens, by another one with an overlap. Pure.

First everybody learns to trust the next one (trust), then it signs (switch), and when nothing that the
old one has signed is in use any more, the old one is forgotten (drop). At which of these a pair is, its
own files tell: what is trusted besides the signer, and whether a next one waits.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

if TYPE_CHECKING:
    from ansible_collections.rampart.k8s.plugins.module_utils._pki.issue import PrivateKey

Step = Literal["trust", "switch", "drop"]

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n?", re.DOTALL)


def blocks(pem: bytes) -> list[bytes]:
    """Return the parts of a file that holds several."""
    return [found.group(0).rstrip(b"\n") + b"\n" for found in _BLOCK.finditer(pem)]


@dataclass(frozen=True, slots=True)
class Rotation:
    """Which step of which pair is wanted, and when a new round may begin."""

    name: str
    step: Step
    # A signer that is older, or was made before this moment, is replaced.
    max_age: datetime.timedelta | None = None
    made_before: datetime.datetime | None = None
    # Until then something that the old one has signed may be in use.
    after: datetime.datetime | None = None

    def due(self, began: datetime.datetime | None, now: datetime.datetime) -> str:
        """Say why a new round begins; empty when it does not. A pair that is just made is never due."""
        if began is None:
            return ""
        if self.made_before is not None and began < self.made_before:
            return f"it was made on {began:%Y-%m-%d %H:%M:%S}, before {self.made_before:%Y-%m-%d %H:%M:%S}"
        if self.max_age is not None and now - began > self.max_age:
            return f"it is {(now - began).days} days old"
        return ""


@dataclass(frozen=True, slots=True)
class Signer:
    """What signs: the private key and what others know it by."""

    key: PrivateKey
    public: bytes


@dataclass(frozen=True, slots=True)
class State:
    """Who signs, who is trusted besides, and who waits to sign."""

    signer: Signer
    others: tuple[bytes, ...] = ()
    next: Signer | None = None

    @property
    def stage(self) -> str:
        """Name where a rotation stands."""
        if self.next is not None:
            return "trusted" if self.next.public in self.others else "made"
        return "switched" if self.others else "settled"

    @property
    def trusted(self) -> bytes:
        """Everything that has to be trusted, the signer first."""
        return b"".join((self.signer.public, *self.others))


def settled(state: State) -> State:
    """Tidy up what a killed run left: a next one that signs already waits no more."""
    others = tuple(dict.fromkeys(public for public in state.others if public != state.signer.public))
    waiting = state.next if state.next and state.next.public != state.signer.public else None
    return State(state.signer, others, waiting)


def advance(
    state: State,
    rotation: Rotation,
    *,
    began: datetime.datetime | None,
    now: datetime.datetime,
    make: Callable[[], Signer],
) -> tuple[State, str]:
    """Take one step if it is there to be taken; return what follows, and why it was taken or not."""
    if rotation.step == "trust":
        return _trust(state, rotation.due(began, now), make)
    if rotation.step == "switch":
        if state.next is None:
            return state, ""
        others = (state.signer.public, *(public for public in state.others if public != state.next.public))
        return State(state.next, others), "the next one signs from now on, and the old one is still trusted"
    if state.next is not None:
        raise RampartError(
            f"{rotation.name} cannot be dropped: the one that is to follow does not sign yet.",
            next_step="take the step switch first",
            name=rotation.name,
        )
    if state.others and rotation.after is not None and now < rotation.after:
        return state, f"what the old one has signed may be in use until {rotation.after:%Y-%m-%d %H:%M:%S}"
    if state.others:
        return replace(state, others=()), "nothing that the old one has signed is in use any more"
    return state, ""


def _trust(state: State, due: str, make: Callable[[], Signer]) -> tuple[State, str]:
    if state.next is not None and state.next.public not in state.others:
        return replace(state, others=(*state.others, state.next.public)), "the next one is trusted as well"
    if state.next is not None or state.others or not due:
        return state, ""
    following = make()
    return State(state.signer, (following.public,), following), f"{due}; the next one is trusted as well"
