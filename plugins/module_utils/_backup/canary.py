# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A Secret that stands in the snapshot and no longer in the cluster: it can only come from the backup."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._backup.manifest import Canary
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

NAMESPACE = "kube-system"
COLLECTION = f"/api/v1/namespaces/{NAMESPACE}/secrets"
LABEL = "rampart.k8s/backup-canary"
FIELD = "canary"
# As many random bytes as no sum of them gives away.
SIZE = 32


def sum_of(secret: dict[str, Any]) -> str:
    """Return the sum of the value that a canary holds; empty when it holds none."""
    value = (secret.get("data") or {}).get(FIELD)
    return hashlib.sha256(base64.b64decode(value)).hexdigest() if value else ""


@contextmanager
def standing(client: Client, redactor: Redactor) -> Iterator[Canary]:
    """Put a canary into the cluster for as long as this lasts; a killed run's is cleared away first."""
    _sweep(client)
    value = secrets.token_bytes(SIZE)
    text = base64.b64encode(value).decode("ascii")
    redactor.add(text, value)
    name = f"rampart-backup-canary-{secrets.token_hex(4)}"
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {LABEL: "true"}},
        "data": {FIELD: text},
    }
    try:
        made = client.call("POST", COLLECTION, body=body, target=f"Secret {NAMESPACE}/{name}", verb="create")
        yield Canary(NAMESPACE, name, sum_of(made))
    finally:
        _sweep(client)


def _sweep(client: Client) -> None:
    client.call(
        "DELETE",
        COLLECTION,
        query={"labelSelector": LABEL},
        verb="clear",
        target=f"the canaries of backups in {NAMESPACE}",
    )
