# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads what is live in a namespace, kind by kind and all kinds at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS, Kind

COUNTED = (Kind("Service", "v1", "services"), Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims"))

Live = dict[str, list[dict[str, Any]]]


def namespaces(client: Client, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return those of the namespaces that exist."""
    wanted = list(names)
    found = client.map(
        lambda name: client.find(f"/api/v1/namespaces/{name}", target=f"Namespace {name}"), wanted
    )
    return {name: item for name, item in zip(wanted, found, strict=True) if item is not None}


def read(client: Client, names: Iterable[str], kinds: Iterable[Kind] = KINDS) -> dict[str, Live]:
    """Return everything of these kinds by namespace and kind."""
    pairs = [(name, kind) for name in names for kind in kinds]
    listed = client.map(
        lambda pair: client.list_all(pair[1].path(pair[0]), target=f"{pair[1].plural} in {pair[0]}")[0], pairs
    )
    found: dict[str, Live] = {}
    for (name, kind), items in zip(pairs, listed, strict=True):
        found.setdefault(name, {})[kind.kind] = items
    return found
