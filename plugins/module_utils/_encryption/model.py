# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What an EncryptionConfiguration holds. Key material is never part of a representation."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

API_VERSION = "apiserver.config.k8s.io/v1"
KIND = "EncryptionConfiguration"

# Bytes per key. "See crypto/aes" and "NaCl secretbox": the sizes that the API server accepts.
KEY_SIZES = {"aescbc": (16, 24, 32), "aesgcm": (16, 24, 32), "secretbox": (32,)}
KEYED = tuple(KEY_SIZES)
PROVIDERS = (*KEYED, "kms", "identity")

GENERATED_KEY_SIZE = 32

# The names of keys that are made here say when; those made before had the day only.
_GENERATED_NAME = re.compile(r"key-([0-9]{8})(?:-([0-9]{6}))?-[0-9a-f]{8}")


class Mark(NamedTuple):
    """What a stored value carries of whoever encrypted it."""

    provider: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.provider}({self.key})" if self.key else self.provider


# Of a value that nobody encrypted.
PLAIN = Mark("plaintext")


@dataclass(frozen=True, slots=True)
class Key:
    """A named key; the name stands in front of every value that it encrypted."""

    name: str
    secret: str = field(repr=False)

    def forms(self) -> tuple[str, bytes]:
        """Return what has to be hidden: the text in the file and the bytes it stands for."""
        return self.secret, base64.b64decode(self.secret)


@dataclass(frozen=True, slots=True)
class Provider:
    """One way to read values, and, when it is the first of its entry, to write them."""

    kind: str
    keys: tuple[Key, ...] = ()
    # name, endpoint, timeout and apiVersion of a KMS plugin; no secret among them.
    kms: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that values of this provider carry, that of the writing key first."""
        return (self.kms.get("name", ""),) if self.kind == "kms" else tuple(key.name for key in self.keys)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What values that this provider can read carry, that of new values first."""
        return tuple(Mark(self.kind, name) for name in self.names) or (PLAIN,)

    def shown(self) -> str:
        """Name the provider and its keys, in order, without any key material."""
        return f"{self.kind}({', '.join(self.names)})" if self.names else self.kind

    def as_data(self) -> dict[str, Any]:
        """Return the provider as it stands in the file."""
        if self.kind == "kms":
            return {"kms": dict(self.kms)}
        if self.kind == "identity":
            return {"identity": {}}
        return {self.kind: {"keys": [{"name": key.name, "secret": key.secret} for key in self.keys]}}


IDENTITY = Provider("identity")


@dataclass(frozen=True, slots=True)
class Entry:
    """Some resources and the providers for them, the writing one first."""

    resources: tuple[str, ...]
    providers: tuple[Provider, ...]

    @property
    def writer(self) -> Provider:
        """The provider that new values are written with."""
        return self.providers[0]

    @property
    def mark(self) -> Mark:
        """What new values carry."""
        return self.providers[0].marks[0]

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What values that can be read carry."""
        return tuple(mark for provider in self.providers for mark in provider.marks)

    @property
    def reads_plaintext(self) -> bool:
        """Whether a value without any encryption is accepted."""
        return PLAIN in self.marks

    def shown(self) -> dict[str, list[str]]:
        """Return the entry as it may be shown."""
        return {
            "resources": list(self.resources),
            "providers": [provider.shown() for provider in self.providers],
        }


@dataclass(frozen=True, slots=True)
class Configuration:
    """The entries in the order in which the API server looks them up."""

    entries: tuple[Entry, ...]

    def all_keys(self) -> list[Key]:
        """Return every key, as often as it stands in the file."""
        return [key for entry in self.entries for provider in entry.providers for key in provider.keys]

    def shown(self) -> list[dict[str, list[str]]]:
        """Return the configuration as it may be shown: order and names only."""
        return [entry.shown() for entry in self.entries]

    def as_data(self) -> dict[str, Any]:
        """Return the configuration as it stands in the file, key material included."""
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "resources": [
                {
                    "resources": list(entry.resources),
                    "providers": [provider.as_data() for provider in entry.providers],
                }
                for entry in self.entries
            ],
        }


def from_data(data: dict[str, Any]) -> Configuration:
    """Build a configuration from data that was validated before."""
    entries = []
    for entry in data["resources"]:
        providers = []
        for provider in entry["providers"]:
            ((kind, body),) = provider.items()
            keys = tuple(Key(key["name"], key["secret"]) for key in (body or {}).get("keys", ()))
            providers.append(Provider(kind, keys, dict(body) if kind == "kms" else {}))
        entries.append(Entry(tuple(entry["resources"]), tuple(providers)))
    return Configuration(tuple(entries))


def parse_resource(resource: str) -> tuple[str, str]:
    """Split ``resource.group`` at the first dot, as the API server does: (group, resource)."""
    name, _dot, group = resource.partition(".")
    return group, name


def covers(pattern: str, resource: str) -> bool:
    """Tell whether an item of a resource list applies to a resource (or to a narrower pattern)."""
    group, name = parse_resource(pattern)
    wanted_group, wanted_name = parse_resource(resource)
    if (group, name) == ("*", "*"):
        return True
    return group == wanted_group and name in ("*", wanted_name)


def entries_of(configuration: Configuration, resource: str) -> list[Entry]:
    """Return the entries that apply to a resource, in the API server's order of precedence.

    An exact name beats ``*.group``, which beats ``*.*``; equal names in several entries add up.
    """
    group, _name = parse_resource(resource)
    for pattern in (resource, f"*.{group}", "*.*"):
        found = [
            entry
            for entry in configuration.entries
            if any(parse_resource(item) == parse_resource(pattern) for item in entry.resources)
        ]
        if found:
            return found
    return []


def new_key(now: datetime, taken: Sequence[str]) -> Key:
    """Make a key from the system's random source under a name that no other key has or had.

    A name used again with other bytes is how clusters were lost: the API server picks the key by
    name and then fails to decrypt.
    """
    while True:
        name = f"key-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        if name not in taken:
            return Key(name, base64.b64encode(secrets.token_bytes(GENERATED_KEY_SIZE)).decode("ascii"))


def made(name: str) -> datetime | None:
    """Return when a key was made, as its name tells; None for a name that somebody else gave."""
    found = _GENERATED_NAME.fullmatch(name)
    try:
        return found and datetime.strptime(f"{found[1]}{found[2] or '000000'}+0000", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
