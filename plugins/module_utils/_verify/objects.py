# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The objects that proofs are made with: as harmless as a pod can be, and easy to find again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Everything made for a proof carries it; what carries it may be removed at any time.
LABEL = "rampart.k8s/probe"

# Where the probes stand that belong to no environment. The role namespaces makes it.
NAMESPACE = "rampart-verify"

# As whom they run: an account that may do nothing. The role namespaces makes it, in every namespace.
ACCOUNT = "rampart-probe"

# What every pod says of itself where that is demanded.
IDENTITY = {"app.kubernetes.io/name": "rampart-probe", "app.kubernetes.io/part-of": "rampart"}

# Nobody lives as long as this; a pod that a killed run left ends by itself.
LIFETIME = 180

NOBODY = 65534


def restricted_container(image: str, command: Sequence[str], **more: Any) -> dict[str, Any]:
    """Return a container that the level restricted accepts and that asks for next to nothing."""
    return {
        "name": "probe",
        "image": image,
        "command": list(command),
        "resources": {
            "requests": {"cpu": "5m", "memory": "16Mi", "ephemeral-storage": "1Mi"},
            "limits": {"cpu": "500m", "memory": "128Mi", "ephemeral-storage": "16Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        **more,
    }


def restricted_spec(container: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a pod's spec that the level restricted accepts."""
    return {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": LIFETIME,
        "terminationGracePeriodSeconds": 0,
        "enableServiceLinks": False,
        "serviceAccountName": ACCOUNT,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": NOBODY,
            "runAsGroup": NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [dict(container)],
        **more,
    }


def pod(
    name: str, namespace: str, spec: Mapping[str, Any], labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a probe pod.

    It may carry the labels of a real application, so that the application's policies hold for it. A
    readiness gate that nobody ever opens keeps it out of the application's Services.
    """
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**IDENTITY, **(labels or {}), LABEL: "true"},
        },
        "spec": {"readinessGates": [{"conditionType": "rampart.k8s/never-in-service"}], **spec},
    }


def trouble(pod_object: Mapping[str, Any]) -> str:
    """Say why a pod does not run, in the node's or the scheduler's words; empty when nothing is wrong."""
    status = pod_object.get("status") or {}
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason')}: {condition.get('message', '')}"
    if status.get("phase") == "Failed":
        return str(status.get("message") or status.get("reason") or "it failed")
    return ""


def runs(pod_object: Mapping[str, Any]) -> bool:
    """Say whether a pod has its address and all its containers run."""
    status = pod_object.get("status") or {}
    states = [container.get("state") or {} for container in status.get("containerStatuses") or []]
    return bool(status.get("podIP")) and bool(states) and all("running" in state for state in states)
