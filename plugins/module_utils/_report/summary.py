# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Condenses the objects of a cluster into what a person wants to know at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm.history import Head

ENVIRONMENT_LABEL = "rampart.k8s/environment"
ENFORCE_LABEL = "pod-security.kubernetes.io/enforce"
FINISHED = frozenset({"Succeeded", "Failed"})

# Who it belongs to, as charts say by the labels that Kubernetes recommends.
INSTANCE_LABEL = "app.kubernetes.io/instance"

Object = Mapping[str, Any]


def _condition(thing: Object, kind: str) -> str:
    """Tell the status of a condition; one that is not there is unknown."""
    for condition in (thing.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind:
            return str(condition.get("status"))
    return "Unknown"


def nodes(found: Iterable[Object]) -> list[dict[str, Any]]:
    """Tell of each node whether it takes work."""
    return [
        {
            "name": node["metadata"]["name"],
            "ready": _condition(node, "Ready") == "True",
            "kubelet": ((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion", ""),
        }
        for node in sorted(found, key=lambda node: str(node["metadata"]["name"]))
    ]


def environments(namespaces: Iterable[Object], pods: Iterable[Object]) -> list[dict[str, Any]]:
    """Tell of each environment what it enforces and how many of its pods are ready."""
    counts: dict[str, list[bool]] = {}
    for pod in pods:
        if (pod.get("status") or {}).get("phase") not in FINISHED:
            counts.setdefault(pod["metadata"]["namespace"], []).append(_condition(pod, "Ready") == "True")
    result = []
    for namespace in namespaces:
        name = namespace["metadata"]["name"]
        labels = namespace["metadata"].get("labels") or {}
        if ENVIRONMENT_LABEL not in labels:
            continue
        result.append(
            {
                "name": labels[ENVIRONMENT_LABEL],
                "namespace": name,
                "pod_security": labels.get(ENFORCE_LABEL, ""),
                "pods": len(counts.get(name, [])),
                "pods_ready": sum(counts.get(name, [])),
            }
        )
    return sorted(result, key=lambda entry: str(entry["namespace"]))


def releases(revisions: Iterable[Object], services: Iterable[Object]) -> list[dict[str, Any]]:
    """Tell of each release of Helm what became of its newest revision, and where it answers."""
    newest: dict[tuple[str, str], Head] = {}
    for item in revisions:
        head = Head.of(item)
        key = (str(item["metadata"]["namespace"]), head.labels.get("name", ""))
        if key not in newest or newest[key].number < head.number:
            newest[key] = head
    answering: dict[tuple[str, str], list[str]] = {}
    for service in services:
        metadata = service["metadata"]
        key = (metadata["namespace"], (metadata.get("labels") or {}).get(INSTANCE_LABEL, ""))
        ports = (service.get("spec") or {}).get("ports") or []
        answering.setdefault(key, []).extend(f"{metadata['name']}:{port['port']}" for port in ports[:1])
    return [
        {
            "namespace": namespace,
            "name": name,
            "revision": head.number,
            "status": head.status,
            "verified": head.verified,
            "services": sorted(answering.get((namespace, name), [])),
        }
        for (namespace, name), head in sorted(newest.items())
    ]


def unready_pods(pods: Iterable[Object]) -> list[str]:
    """Name every pod that should be ready and is not."""
    return sorted(
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in pods
        if (pod.get("status") or {}).get("phase") not in FINISHED and _condition(pod, "Ready") != "True"
    )
