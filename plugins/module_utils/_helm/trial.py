# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lets the API server judge a manifest before anything of it is applied.

Each object is tried as a dry run, and so is each pod that an object would make; a hook that Helm makes anew
each time is tried as if it were not there, since most of a Job can never be changed. So the very rules judge
that will judge it later: schemas, Pod Security, and whatever admission policies the cluster has (Kyverno,
Gatekeeper, the server's own), in the versions that are in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm import manifests
from ansible_collections.rampart.k8s.plugins.module_utils._helm.comparing import MANAGER
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import APPLY, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.planning import is_missing_permission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import JSON, Response
from ansible_collections.rampart.k8s.plugins.module_utils._policy import warnings

# What these say is about the room that there is now, not about the object.
ROOM = ("exceeded quota", "failed quota")
NO_ACCOUNT = b"error looking up service account"
STRICT = {"dryRun": "All", "fieldValidation": "Strict"}


@dataclass(slots=True)
class Trial:
    """What the server would refuse, and what it only warns of."""

    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def judge(client: Client, discovery: Discovery, objects: Sequence[Mapping[str, Any]]) -> Trial:
    """Try all objects, and the pods of those that make some."""
    discovery.load(str(item["apiVersion"]) for item in objects)
    trial = Trial()
    answers = client.map(lambda item: _object(client, discovery, item), objects)
    makers = [item for item in objects if manifests.template(item) is not None and item["kind"] != "Pod"]
    answers += client.map(lambda item: _pod(client, item), makers)
    for what, answer in answers:
        if answer is None:
            trial.refusals.append(f"the cluster does not serve {what}")
            continue
        trial.warnings += [f"{what}: {text}" for text in warnings.parse(answer.headers.get("Warning") or "")]
        if refusal := _refusal(what, answer):
            trial.refusals.append(refusal)
    return trial


def _object(client: Client, discovery: Discovery, item: Mapping[str, Any]) -> tuple[str, Response | None]:
    ref = Ref.of(item)
    resource = discovery.find(ref.api_version, ref.kind)
    if resource is None:
        return f"{ref.kind} in {ref.api_version}", None
    if manifests.is_replaced(item):
        metadata = {key: value for key, value in item["metadata"].items() if key != "name"}
        body = {**item, "metadata": {**metadata, "generateName": f"{ref.name}-"}}
        path = resource.collection(ref.namespace)
        return str(ref), client.transport.send("POST", path, query=STRICT, body=body, content_type=JSON)
    query = {**STRICT, "fieldManager": MANAGER, "force": "true"}
    return str(ref), client.transport.send(
        "PATCH", resource.path(ref), query=query, body=item, content_type=APPLY
    )


def twin(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod as the object would make it."""
    template = manifests.template(item) or {}
    metadata = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "rampart-twin-",
            "namespace": item["metadata"]["namespace"],
            "labels": metadata.get("labels") or {},
            "annotations": metadata.get("annotations") or {},
        },
        "spec": dict(template.get("spec") or {}),
    }


def _pod(client: Client, item: Mapping[str, Any]) -> tuple[str, Response | None]:
    pod = twin(item)
    path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods"
    answer = client.transport.send("POST", path, query=STRICT, body=pod, content_type=JSON)
    if answer.status == 403 and NO_ACCOUNT in answer.body:
        # It may be made by the same release; without its name the server takes the one that is there.
        for name in ("serviceAccountName", "serviceAccount"):
            pod["spec"].pop(name, None)
        answer = client.transport.send("POST", path, query=STRICT, body=pod, content_type=JSON)
    return f"the pods of {Ref.of(item)}", answer


def _refusal(what: str, answer: Response) -> str:
    if answer.status < 300:
        return ""
    told = status.parse(answer.status, answer.body)
    message = str(told.get("message") or told.get("reason") or answer.status)
    if any(mark in message for mark in ROOM):
        return ""
    error = status.error("try", what, told)
    if is_missing_permission(error) or (answer.status >= 500 and "typed patch object" not in message):
        raise error
    return f"{what} would be refused: {message}"
