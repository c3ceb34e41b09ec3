# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Whether the policies of a namespace are in force: what they forbid is tried, what they say is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm.hardening import (
    BASELINE,
    PRIVILEGED,
    RESTRICTED,
)
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.planning import is_missing_permission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import Target
from ansible_collections.rampart.k8s.plugins.module_utils._policy import warnings
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import selects

# What each level refuses, and the one below would take.
FORBIDDEN: dict[str, dict[str, Any]] = {BASELINE: {"hostPID": True}, RESTRICTED: {}}


def forbidden(level: str) -> dict[str, Any]:
    """Return a pod that a level refuses; it is never made, only tried."""
    container = {"name": "main", "image": "rampart.local/forbidden:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "rampart-forbidden-"},
        "spec": {**FORBIDDEN[level], "containers": [container]},
    }


def pod_security(client: Client, namespace: str, level: str) -> list[str]:
    """Try to make a pod that breaks the level; whatever else refuses it proves nothing of Pod Security."""
    if level == PRIVILEGED:
        return []
    path, target = f"/api/v1/namespaces/{namespace}/pods", f"a forbidden pod in {namespace}"
    answer = client.transport.send("POST", path, query={"dryRun": "All"}, body=forbidden(level))
    if answer.status < 300:
        return [f"the namespace {namespace} accepts a pod that is not {level}"]
    said = status.parse(answer.status, answer.body)
    error = status.error("try", target, said)
    if is_missing_permission(error):
        raise error
    message = str(said.get("message") or "")
    if warnings.of_template([], message):
        return []
    return [
        f"the namespace {namespace} refuses a pod that is not {level}, but not by Pod Security: {message}"
    ]


def isolation(client: Client, namespace: str, pods: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the pods that no NetworkPolicy binds on one of both ways."""
    if not pods:
        return []
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
    policies, _unused = client.list_all(path, target=f"the network policies of {namespace}")
    return unbound(policies, pods)


def unbound(policies: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Compare pods with the policies of their namespace."""
    listed = list(policies)
    found = []
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        ways = {
            way
            for policy in listed
            if selects(policy["spec"].get("podSelector"), labels)
            for way in policy["spec"].get("policyTypes") or ()
        }
        open_ways = [way for way in ("Ingress", "Egress") if way not in ways]
        if open_ways:
            found.append(
                f"Pod {pod['metadata']['name']}: no policy binds its {' and '.join(open_ways).lower()}"
            )
    return found


def policies(client: Client, discovery: Discovery, wanted: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the policies that must be there, and are not, or do not count."""
    found = []
    for entry in wanted:
        resource = discovery.find(entry["api_version"], entry["kind"])
        if resource is None:
            found.append(f"the cluster does not serve {entry['kind']} in {entry['api_version']}")
            continue
        namespace = entry["namespace"] if resource.namespaced else None
        ref = Ref(entry["api_version"], entry["kind"], namespace, entry["name"])
        target = Target(ref, resource, entry["condition"], entry["condition_status"], awaited=False)
        state = target.judge(client.find(resource.path(ref), target=str(ref)))
        if not state.ready:
            found.append(f"{ref} is not in force: {state.message}")
    return found
