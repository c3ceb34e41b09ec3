# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lets the cluster rewrite its values by itself, where it serves StorageVersionMigration.

Kubernetes 1.36 serves it as ``storagemigration.k8s.io/v1beta1`` where the feature gate
StorageVersionMigrator is on and the version is enabled. It gives up at the first object that cannot be
read and says nothing of what etcd holds afterwards, so whoever calls this counts again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import Mark, parse_resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

GROUP = "storagemigration.k8s.io"
KIND = "StorageVersionMigration"
# Earlier ones have another form.
VERSIONS = ("v1", "v1beta1")

# A controller that has not even begun by then does not run.
START_SECONDS = 60.0

OWNER = {"app.kubernetes.io/managed-by": "rampart"}


def served(client: Client) -> str | None:
    """Return the path of all migrations; None when none are served, or in a form that is not known."""
    group = client.find(f"/apis/{GROUP}", target=f"API group {GROUP}") or {}
    versions = [entry.get("version") for entry in group.get("versions") or []]
    version = next((version for version in VERSIONS if version in versions), None)
    return f"/apis/{GROUP}/{version}/storageversionmigrations" if version else None


def name_of(resource: str, mark: Mark) -> str:
    """Name the migration of a resource to a key: a run that was killed finds the one that it began."""
    return re.sub(r"[^a-z0-9.-]", "-", f"rampart-{mark.key}-{resource}".lower()).strip(".-")[:253]


def migrate(
    client: Client, collection: str, wanted: Mapping[str, Mark], progress: Progress, *, timeout: float
) -> dict[str, str]:
    """Have resources migrated; return by resource why that was not to be had."""
    names = {resource: name_of(resource, mark) for resource, mark in wanted.items()}
    for resource, name in names.items():
        _create(client, collection, name, resource)
    troubles = {}
    for resource, name in names.items():
        progress.say(f"the cluster migrates {resource}")
        why = _await(client, collection, name, timeout)
        if why:
            troubles[resource] = why
    return troubles


def _create(client: Client, collection: str, name: str, resource: str) -> None:
    group, plural = parse_resource(resource)
    body = {
        "apiVersion": "/".join(collection.split("/")[2:4]),
        "kind": KIND,
        "metadata": {"name": name, "labels": OWNER},
        "spec": {"resource": {"group": group, "resource": plural}},
    }
    try:
        client.call("POST", collection, body=body, target=f"{KIND} {name}", verb="create")
    except status.ApiError as error:
        if error.reason != "AlreadyExists":
            raise


def _await(client: Client, collection: str, name: str, timeout: float) -> str:
    began = time.monotonic()
    begun = False

    def decide(found: Mapping[str, Any] | None) -> str | None:
        nonlocal begun
        if found is None:
            return "it was deleted"
        state = found.get("status") or {}
        begun = begun or bool(state)
        for condition in state.get("conditions") or []:
            if condition.get("status") == "True" and condition.get("type") == "Succeeded":
                return ""
            if condition.get("status") == "True" and condition.get("type") == "Failed":
                return str(condition.get("message") or condition.get("reason") or "it failed")
        return None

    # First for its beginning only: a controller without the feature gate never looks at it.
    answer = watching.until(client, collection, name, decide, min(START_SECONDS, timeout))
    left = timeout - (time.monotonic() - began)
    if answer is None and begun and left > 0:
        answer = watching.until(client, collection, name, decide, left)
    if answer is not None:
        return answer
    return f"it was not done after {timeout:g} s" if begun else "no controller took it up"


def clear(client: Client, collection: str, resources: Iterable[str], mark: Mark) -> None:
    """Remove the migrations to a key; what they said is not needed any more."""
    for resource in resources:
        name = name_of(resource, mark)
        client.delete(f"{collection}/{name}", target=f"{KIND} {name}")
