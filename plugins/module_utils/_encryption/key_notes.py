# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Notes in the cluster at which revision of etcd each key came, to know how often it can have been used.

A rotation never goes by these notes: they say how much a key may have encrypted, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.rampart.k8s.plugins.module_utils._encryption.metrics import ServerState
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import made
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotation import Writes
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

NAMESPACE, NAME = "kube-system", "rampart-encryption-keys"
PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{NAME}"
MANAGER = "rampart"


def read(client: Client) -> dict[str, int]:
    """Return by key the revision at which it came."""
    found = client.find(PATH, target=f"ConfigMap {NAMESPACE}/{NAME}") or {}
    data: Mapping[str, str] = found.get("data") or {}
    return {key: int(revision) for key, revision in data.items() if revision.isdigit()}


def write(client: Client, notes: Mapping[str, int]) -> None:
    """Replace the notes; what is left out is forgotten."""
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "data": {key: str(revision) for key, revision in sorted(notes.items())},
    }
    client.apply(PATH, body, field_manager=MANAGER, target=f"ConfigMap {NAMESPACE}/{NAME}")


def writes(
    keys: Iterable[str], states: Iterable[ServerState], notes: Mapping[str, int], revision: int
) -> dict[str, Writes]:
    """Tell of each key how often it was used: a count where every server has run since the key was made.

    Elsewhere it is what etcd has written since the key came, whatever that was: never too little.
    """
    listed = list(states)
    found = {}
    for key in keys:
        moment = made(key)
        if moment is not None and all(state.started <= moment.timestamp() for state in listed):
            found[key] = Writes(sum(state.writes.get(key, 0) for state in listed), True)
        else:
            since = notes.get(key, 0)
            found[key] = Writes(revision - since if since <= revision else revision, False)
    return found
