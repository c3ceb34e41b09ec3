# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lets the API server judge the pods of a manifest before anything of it is applied.

Each pod that the manifest would make is tried in its namespace as a dry run. So the very rules judge that
will judge it later: Pod Security, and whatever admission policies the cluster has (Kyverno, Gatekeeper,
the server's own), in the versions that are in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm import manifests
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.planning import is_missing_permission

# What these say is about the room that there is now, not about the pod.
ROOM = ("exceeded quota", "failed quota")


def judge(client: Client, objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return which pods would be refused, and why."""
    tried = [(Ref.of(item), twin(item)) for item in objects if manifests.template(item) is not None]
    said = client.map(lambda entry: _try(client, *entry), tried)
    return [text for text in said if text]


def twin(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod as the object would make it."""
    template = manifests.template(item) or {}
    metadata = template.get("metadata") or {}
    spec = dict(template.get("spec") or {})
    # The account may be made by the same release; without its name the server takes the one that is there.
    spec.pop("serviceAccountName", None)
    spec.pop("serviceAccount", None)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "rampart-twin-",
            "namespace": item["metadata"]["namespace"],
            "labels": metadata.get("labels") or {},
            "annotations": metadata.get("annotations") or {},
        },
        "spec": spec,
    }


def _try(client: Client, ref: Ref, pod: dict[str, Any]) -> str:
    answer = client.transport.send(
        "POST",
        f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods",
        query={"dryRun": "All", "fieldValidation": "Strict"},
        body=pod,
    )
    if answer.status < 300:
        return ""
    told = status.parse(answer.status, answer.body)
    message = str(told.get("message") or told.get("reason") or answer.status)
    if any(mark in message for mark in ROOM):
        return ""
    error = status.error("try the pods of", str(ref), told)
    if is_missing_permission(error) or answer.status >= 500:
        raise error
    return f"the pods of {ref} would be refused: {message}"
