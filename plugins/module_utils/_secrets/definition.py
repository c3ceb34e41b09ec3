# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a secret should be, checked before anything is looked at. Values never stand in it, but given ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.options import BACKENDS

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")

# A version's name must also be a label's value, with its suffix.
LONGEST_VERSIONED = 52

# What several keys come out of: the name in the definition is only the first of them.
TLS_KEYS = ("tls.crt", "tls.key", "ca.crt")
DOCKER_KEY = ".dockerconfigjson"


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a declared secret, and how its value is made."""

    name: str
    generator: str
    options: Mapping[str, Any]
    # Given by a lookup or a file; everything else is made.
    value: bytes | None = field(default=None, repr=False)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The entries of the Secret that it makes."""
        if self.generator in ("tls", "authority"):
            return TLS_KEYS
        public = self.options.get("public_name")
        return (self.name, public) if self.generator == "key_pair" and public else (self.name,)

    @property
    def is_given(self) -> bool:
        """Whether only a person can bring another value."""
        has_value = self.value is not None or "file" in self.options
        return self.generator == "value" or (self.generator == "docker_config" and has_value)


@dataclass(frozen=True, slots=True)
class Definition:
    """A declared secret."""

    namespace: str
    name: str
    secret_class: str
    keys: tuple[Key, ...]
    type: str = "Opaque"
    owner: str = ""
    strategy: str = "overlap"
    backend: str = ""
    backend_options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Definition:
        """Read what a task or a journal says."""
        backend = given.get("backend") or {}
        kind = next((name for name in BACKENDS if backend.get(name)), "")
        made = cls(
            given["namespace"],
            given["name"],
            given["secret_class"],
            tuple(_key(entry) for entry in given["keys"]),
            given.get("type") or "Opaque",
            given.get("owner") or "",
            given.get("strategy") or "overlap",
            kind,
            backend.get(kind) or {},
        )
        _check(made)
        return made

    def as_data(self) -> dict[str, Any]:
        """Return it as a journal keeps it, without given values."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "secret_class": self.secret_class,
            "type": self.type,
            "owner": self.owner,
            "strategy": self.strategy,
            "keys": [{"name": key.name, "generator": key.generator, **key.options} for key in self.keys],
            "backend": {self.backend: dict(self.backend_options)} if self.backend else {},
        }

    @property
    def identity(self) -> tuple[str, str]:
        """Its place."""
        return self.namespace, self.name

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def sources(self) -> frozenset[str]:
        """The other secrets that its content follows from."""
        named = (key.options.get({"jwks": "source", "tls": "ca"}.get(key.generator, "")) for key in self.keys)
        return frozenset(filter(None, named))

    @property
    def outputs(self) -> tuple[str, ...]:
        """All entries of the Secret that are made."""
        return tuple(name for key in self.keys for name in key.outputs)

    @property
    def public_outputs(self) -> frozenset[str]:
        """The entries that anybody may read: certificates, public keys, a user's name."""
        found = {key.name for key in self.keys if key.generator in ("jwks", "constant")}
        found |= {str(key.options["public_name"]) for key in self.keys if key.options.get("public_name")}
        if any(key.generator in ("tls", "authority") for key in self.keys):
            found |= {"tls.crt", "ca.crt"}
        if self.backend == "postgresql":
            found.add(str(self.backend_options["username_key"]))
        return frozenset(found)

    @property
    def is_derived(self) -> bool:
        """Whether nothing of it has an age of its own."""
        return all(key.generator in ("jwks", "constant", "template") for key in self.keys)

    @property
    def made_by_age(self) -> bool:
        """Whether a new content can be made at all when it has become too old."""
        made = [key for key in self.keys if not key.is_given]
        return any(key.generator not in ("jwks", "constant", "template") for key in made)


def _key(given: Mapping[str, Any]) -> Key:
    options = {
        name: value
        for name, value in given.items()
        if name not in ("name", "generator", "value") and value not in (None, [], "")
    }
    # A lookup that found nothing gives an empty text.
    # An empty one was given too, by a lookup that found nothing: it is refused where it is used.
    value = given.get("value")
    return Key(given["name"], given["generator"], options, None if value is None else value.encode())


def _refuse(one: Definition, what: str, next_step: str) -> RampartError:
    return RampartError(f"The declaration of Secret {one} is not sound: {what}.", next_step=next_step)


def _check(one: Definition) -> None:
    if not NAMESPACE.fullmatch(one.namespace) or not NAME.fullmatch(one.name):
        raise _refuse(one, "its namespace or name is none", "use lower-case letters, digits and hyphens")
    if one.strategy == "versioned" and len(one.name) > LONGEST_VERSIONED:
        raise _refuse(
            one,
            f"its name is longer than {LONGEST_VERSIONED} letters, and versions add a suffix",
            "shorten it, or use the strategy overlap",
        )
    if not one.keys:
        raise _refuse(one, "it has no keys", "say what is in it")
    names = one.outputs
    for name in names:
        if not DATA_KEY.fullmatch(name):
            raise _refuse(one, f"{name!r} cannot be a key", "use letters, digits, '-', '_' and '.'")
        if names.count(name) > 1:
            raise _refuse(one, f"the key {name} is made twice", "make each key once")
    if any(key.generator == "backend" for key in one.keys) and not one.backend:
        raise _refuse(one, "a key comes from its backend, but it has none", "name a backend")
    if one.name in one.sources:
        raise _refuse(one, "it follows from itself", "name another secret as the source")


def read(given: Iterable[Mapping[str, Any]]) -> list[Definition]:
    """Read a whole list; a secret that stands twice in it is refused."""
    made = [Definition.of(entry) for entry in given]
    places = [one.identity for one in made]
    twice = sorted({str(one) for one in made if places.count(one.identity) > 1})
    if twice:
        raise RampartError(
            f"These secrets are declared more than once: {', '.join(twice)}.",
            next_step="keep one declaration of each",
            duplicates=twice,
        )
    return made
