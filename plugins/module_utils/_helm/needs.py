# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a revision needs to run, looked for before anybody goes back to it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm import manifests
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery

LABEL = "rampart.k8s/pull-check"
IDENTITY = {"app.kubernetes.io/name": "rampart-pull-check", "app.kubernetes.io/part-of": "rampart"}
SECONDS = 60.0
# The node has said what it thinks of the image, whatever comes then.
NOT_THERE = frozenset(
    {
        "ErrImageNeverPull",
        "ErrImagePull",
        "ErrInvalidImageName",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RegistryUnavailable",
    }
)
UNDECIDED = frozenset({"", "ContainerCreating", "PodInitializing"})
COLLECTIONS = {
    "Secret": "secrets",
    "ConfigMap": "configmaps",
    "ServiceAccount": "serviceaccounts",
    "PersistentVolumeClaim": "persistentvolumeclaims",
}


@dataclass(slots=True)
class Needs:
    """What is missing, and what could not be found out."""

    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pull:
    """An image as a pod of a revision would ask for it."""

    image: str
    policy: str
    secrets: tuple[str, ...]
    account: str = ""


def pulls(objects: Iterable[Mapping[str, Any]]) -> list[Pull]:
    """Return every image of a manifest with how it is to be had."""
    found: dict[str, Pull] = {}
    for item in objects:
        spec = (manifests.template(item) or {}).get("spec") or {}
        secrets = tuple(str(each["name"]) for each in spec.get("imagePullSecrets") or [])
        for container in manifests.containers(spec):
            image = str(container.get("image") or "")
            policy = str(container.get("imagePullPolicy") or "")
            found.setdefault(image, Pull(image, policy, secrets, str(spec.get("serviceAccountName") or "")))
    return [pull for image, pull in sorted(found.items()) if image]


def find(client: Client, discovery: Discovery, objects: Sequence[Mapping[str, Any]], release: str) -> Needs:
    """Look for the kinds, the objects and the images that a manifest of one namespace needs."""
    needs = Needs()
    discovery.load(str(item["apiVersion"]) for item in objects)
    for api_version, kind in sorted({(str(item["apiVersion"]), str(item["kind"])) for item in objects}):
        if discovery.find(api_version, kind) is None:
            needs.missing.append(f"the kind {kind} of {api_version} is not served any more")
    own = {(item["kind"], item["metadata"]["name"]) for item in objects}
    wanted: dict[tuple[str, str, str], None] = {}
    for item in objects:
        namespace = str(item["metadata"].get("namespace") or "")
        for kind, name in manifests.references((manifests.template(item) or {}).get("spec") or {}):
            if (kind, name) not in own:
                wanted[namespace, kind, name] = None

    def look(entry: tuple[str, str, str]) -> str:
        namespace, kind, name = entry
        path = f"/api/v1/namespaces/{namespace}/{COLLECTIONS[kind]}/{name}"
        try:
            return "" if client.find(path) else f"{kind} {namespace}/{name} does not exist"
        except status.ApiError as error:
            if error.code != 403:
                raise
            needs.unknown.append(f"{kind} {namespace}/{name} may not be read")
            return ""

    needs.missing += filter(None, client.map(look, sorted(wanted)))
    by_namespace: dict[str, list[Mapping[str, Any]]] = {}
    for item in objects:
        if manifests.template(item) is not None:
            by_namespace.setdefault(str(item["metadata"]["namespace"]), []).append(item)
    for namespace, members in sorted(by_namespace.items()):
        _pull(client, namespace, release, pulls(members), needs)
    return needs


def pod(release: str, pull: Pull) -> dict[str, Any]:
    """Return a pod that does nothing but have its image fetched: the command in it does not exist.

    It has what the policies of an environment demand of a pod, and no label that a Service looks for.
    """
    container = {
        "name": "main",
        "image": pull.image,
        "command": ["/rampart-pull-check"],
        "resources": {
            "requests": {"cpu": "1m", "memory": "4Mi"},
            "limits": {"cpu": "10m", "memory": "16Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        **({"imagePullPolicy": pull.policy} if pull.policy else {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "rampart-pull-", "labels": {**IDENTITY, LABEL: release}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "imagePullSecrets": [{"name": name} for name in pull.secrets],
            **({"serviceAccountName": pull.account} if pull.account else {}),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "runAsGroup": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }


def verdict(live: Mapping[str, Any]) -> str | None:
    """Read what became of such a pod: an empty text when the image is there, None while nobody knows."""
    for container in (live.get("status") or {}).get("containerStatuses") or []:
        state = container.get("state") or {}
        waiting = state.get("waiting")
        if waiting is None:
            return "" if state else None
        reason = str(waiting.get("reason") or "")
        if reason in NOT_THERE:
            return f"{reason}: {waiting.get('message') or 'the node says no more'}"
        return None if reason in UNDECIDED else ""
    return None


def _pull(client: Client, namespace: str, release: str, wanted: Sequence[Pull], needs: Needs) -> None:
    """Let the cluster's own nodes say whether they can have the images."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    accounts = _accounts(client, namespace)
    _sweep(client, path, release)
    open_pods: dict[str, Pull] = {}
    client.transport.extend(SECONDS)
    try:
        for pull in wanted:
            # An account that the revision brings itself may be gone; the image can be asked for without it.
            asked = pull if pull.account in accounts else replace(pull, account="")
            try:
                made = client.call("POST", path, body=pod(release, asked), target=f"a pod of {pull.image}")
                open_pods[made["metadata"]["name"]] = pull
            except status.ApiError as error:
                if error.code != 403 or " cannot " in error.message:
                    raise
                # No room says nothing of the image; a policy that refuses it says enough.
                kept = needs.unknown if "exceeded quota" in error.message else needs.missing
                kept.append(f"image {pull.image}: {error.message}")
        deadline = time.monotonic() + SECONDS
        query = {"labelSelector": f"{LABEL}={release}"}
        for event in watching.follow(client, path, query, deadline) if open_pods else ():
            for live in event.objects:
                name = live["metadata"]["name"]
                said = verdict(live) if name in open_pods and event.type != "DELETED" else None
                if said is None:
                    continue
                pull = open_pods.pop(name)
                if said:
                    needs.missing.append(f"image {pull.image}: {said}")
            if not open_pods:
                break
        needs.unknown += [
            f"image {pull.image}: no node had tried it after {SECONDS:g} s" for pull in open_pods.values()
        ]
    finally:
        _sweep(client, path, release)


def _accounts(client: Client, namespace: str) -> set[str]:
    """Name the accounts that a pod may have; who may not read them asks without."""
    try:
        found = client.list_all(f"/api/v1/namespaces/{namespace}/serviceaccounts")[0]
    except status.ApiError as error:
        if error.code != 403:
            raise
        found = []
    return {item["metadata"]["name"] for item in found}


def _sweep(client: Client, path: str, release: str) -> None:
    """Remove such pods, also those of a run that was killed."""
    for live in client.list_all(path, query={"labelSelector": f"{LABEL}={release}"})[0]:
        client.delete(f"{path}/{live['metadata']['name']}", uid=live["metadata"]["uid"])
