# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a rotation needs to know of a namespace before it decides. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers import graph as consumers
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import Namespace, read
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Journal
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.store import Store
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes, content, names
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.classes import SecretClass
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import Observed


@dataclass(slots=True)
class View:
    """One namespace as it was seen."""

    store: Store
    space: Namespace
    graph: consumers.Graph
    journals: list[Journal]
    observed: list[Observed]
    # Secrets that are no declared ones, by name, read when something follows from them.
    others: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def content(self, name: str) -> dict[str, bytes]:
        """Return the content of a secret by the name that it is declared by, or has."""
        for one in self.observed:
            if one.definition.name == name:
                return one.content
        if name not in self.others:
            found = self.store.find(name)
            self.others[name] = content.of_secret(found) if found else {}
        return self.others[name]


def look(store: Store, definitions: Sequence[Definition], known: Mapping[str, SecretClass]) -> View:
    """Read a namespace."""
    space = read(store.client, store.namespace)
    journals = store.journals()
    versions = (
        store.labelled(names.VERSION) if any(one.strategy == "versioned" for one in definitions) else []
    )
    under_way = {
        name
        for journal in journals
        for group in journal.groups
        for member in group.members
        for name in member.objects.values()
        if name != member.before and not group.verified
    }

    def live(one: Definition) -> Mapping[str, Any] | None:
        if one.strategy == "versioned":
            return newest(versions, one.name, under_way)
        return store.find(one.name)

    found = store.client.map(live, definitions)
    return View(
        store,
        space,
        consumers.consumers(space),
        journals,
        [
            Observed(one, classes.find(known, one.secret_class, str(one)), secret)
            for one, secret in zip(definitions, found, strict=True)
        ],
    )


def newest(
    versions: Iterable[Mapping[str, Any]], name: str, under_way: Iterable[str]
) -> Mapping[str, Any] | None:
    """Return the version that is in use: the newest of those that no rotation is still about to introduce."""

    def said(secret: Mapping[str, Any], key: str) -> str:
        return str((secret["metadata"].get("annotations") or {}).get(key) or "")

    mine = [
        secret
        for secret in versions
        if said(secret, names.VERSION_OF) == name and secret["metadata"]["name"] not in set(under_way)
    ]

    def age(secret: Mapping[str, Any]) -> tuple[str, int]:
        # Two rotations may begin within one second; no two of them hold the lease under the same number.
        fencing = said(secret, names.FENCING)
        return said(secret, names.ROTATED_AT), int(fencing) if fencing.isdecimal() else 0

    return max(mine, key=age, default=None)


def require_namespace(store: Store) -> None:
    """Raise when the namespace is not there to write into."""
    path = f"/api/v1/namespaces/{store.namespace}"
    if store.client.find(path, target=f"Namespace {store.namespace}") is None:
        raise RampartError(
            f"There is no namespace {store.namespace} to keep secrets in.",
            next_step="make it first (role rampart.k8s.namespaces does)",
        )
