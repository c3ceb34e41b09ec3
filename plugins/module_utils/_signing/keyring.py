# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The signing keys that count, and for how long (what is public of them)."""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import serialization

VERSION = 1


class State(StrEnum):
    """Where a key is in its life."""

    # Signs, and is accepted.
    ACTIVE = "active"
    # Signs no more, and is accepted until every image is signed by its successor.
    ACCEPTED = "accepted"
    # Accepted no more.
    RETIRED = "retired"


def stamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime.datetime:
    """Read a time; one without a zone is refused, since nobody could say when it is."""
    found = datetime.datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return found


def key_id(public_key: str) -> str:
    """Name a key by the digest of its public part, as cosign does in its bundles."""
    try:
        loaded = serialization.load_pem_public_key(public_key.encode())
    except ValueError as error:
        raise RampartError(
            "What was given as a public key is none.",
            next_step="give it as PEM, as cosign writes it (-----BEGIN PUBLIC KEY-----)",
        ) from error
    der = loaded.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def hint_id(hint: str) -> str:
    """Turn a bundle's hint into the name of a key; empty when it is none."""
    try:
        raw = base64.b64decode(hint, validate=True)
    except ValueError:
        return ""
    return f"sha256:{raw.hex()}" if len(raw) == hashlib.sha256().digest_size else ""


@dataclass(frozen=True, slots=True)
class Key:
    """One key; where its private part is, but never the private part."""

    id: str
    public_key: str
    # file:NAME beside the ring, pkcs11:..., or the URI of a KMS; empty when only the public part is known.
    source: str
    created: str
    expires: str
    state: State
    retired: str = ""

    def expired(self, now: datetime.datetime) -> bool:
        return bool(self.expires) and moment(self.expires) <= now

    def refusal(self, now: datetime.datetime) -> str:
        """Say why its signatures do not count; empty when they do."""
        if self.state is State.RETIRED:
            return f"the key was retired on {self.retired}"
        if self.expired(now):
            return f"the key expired on {self.expires}"
        return ""

    def public(self) -> dict[str, str]:
        """Return what a result may show."""
        return {
            "id": self.id,
            "state": self.state.value,
            "source": self.source.partition("?")[0],
            "created": self.created,
            "expires": self.expires,
            "retired": self.retired,
        }

    def data(self) -> dict[str, str]:
        return {
            **self.public(),
            "source": self.source,
            "public_key": self.public_key,
        }


@dataclass(frozen=True, slots=True)
class Ring:
    """All keys, oldest first."""

    keys: tuple[Key, ...] = ()

    @property
    def active(self) -> Key | None:
        return next((key for key in self.keys if key.state is State.ACTIVE), None)

    def find(self, identity: str) -> Key | None:
        return next((key for key in self.keys if key.id == identity), None)

    def in_state(self, state: State) -> list[Key]:
        return [key for key in self.keys if key.state is state]

    def succeed(self, new: Key) -> Ring:
        """Let a new key sign; the one before stays accepted."""
        if self.find(new.id):
            raise RampartError(
                f"The key {new.id} is in the ring already, as {getattr(self.find(new.id), 'state', '')}.",
                next_step="name another key; one that was replaced does not come back",
                key=new.id,
            )
        older = tuple(
            replace(key, state=State.ACCEPTED) if key.state is State.ACTIVE else key for key in self.keys
        )
        return Ring((*older, new))

    def retire(self, identities: Sequence[str], now: datetime.datetime) -> Ring:
        """Accept keys no more."""
        return Ring(
            tuple(
                replace(key, state=State.RETIRED, retired=stamp(now))
                if key.id in identities and key.state is not State.RETIRED
                else key
                for key in self.keys
            )
        )

    def data(self) -> dict[str, Any]:
        return {"version": VERSION, "keys": [key.data() for key in self.keys]}


def read(data: Any, where: str) -> Ring:
    """Check a ring that was read from a file; what cannot be understood is trusted in nothing."""
    try:
        if data["version"] != VERSION:
            raise ValueError(f"its version is {data['version']!r}")
        ring = Ring(tuple(_key(entry) for entry in data["keys"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RampartError(
            f"The key ring {where} cannot be understood ({error}).",
            next_step="restore it from a backup; without it no signature is accepted",
            path=where,
        ) from error
    if len(ring.in_state(State.ACTIVE)) > 1 or len({key.id for key in ring.keys}) != len(ring.keys):
        raise RampartError(
            f"The key ring {where} contradicts itself: a key stands in it twice, or several are active.",
            next_step="restore it from a backup; without it no signature is accepted",
            path=where,
        )
    return ring


def _key(entry: Mapping[str, str]) -> Key:
    key = Key(
        entry["id"],
        entry["public_key"],
        entry["source"],
        entry["created"],
        entry["expires"],
        State(entry["state"]),
        entry.get("retired", ""),
    )
    if key_id(key.public_key) != key.id:
        raise ValueError(f"the public key of {key.id} is another one")
    if key.expires:
        moment(key.expires)
    return key
