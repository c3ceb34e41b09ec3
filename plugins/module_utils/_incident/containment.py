# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What cuts a pod off, decided from what stands around it. Pure.

NetworkPolicies only ever add to what is allowed: one more that allows nothing cuts nothing off as long as
another one selects the pod. So a pod that is contained loses its labels, whose values become
``quarantined``: no policy, Service and workload that looks for a value finds it any more, and what demands
that a label is there is content. Where Cilium is, a policy that denies is applied as well, which holds
against everything that allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._incident import names
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import selects

Live = Mapping[str, Any]

# Every pod of every namespace. The node is left out: its probes keep the pod, and so the evidence, alive.
_EVERY_POD = {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}


def labels_of(item: Live) -> dict[str, str]:
    """Return the labels of an object."""
    return dict((item.get("metadata") or {}).get("labels") or {})


def wanted_labels(now: Mapping[str, str], incident: str, *, detach: bool) -> dict[str, str]:
    """Return the labels that a contained pod has."""
    kept = {key: names.OUTSIDE if detach else value for key, value in now.items()}
    return {**kept, names.QUARANTINE: incident}


def back(now: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str | None]:
    """Return the patch of labels that leads back from what is wanted to what was."""
    return {key: now.get(key) for key in wanted if now.get(key) != wanted[key]}


def allows(policy: Live) -> bool:
    """Say whether a policy lets anything through at all."""
    spec = policy.get("spec") or {}
    return bool(spec.get("ingress") or spec.get("egress"))


def still_open(policies: Sequence[Live], labels: Mapping[str, str]) -> list[str]:
    """Return the policies that would still let something through to a pod with these labels."""
    return sorted(
        policy["metadata"]["name"]
        for policy in policies
        if allows(policy) and selects((policy.get("spec") or {}).get("podSelector"), labels)
    )


def in_services(services: Sequence[Live], labels: Mapping[str, str]) -> list[str]:
    """Return the Services that send to a pod with these labels."""
    found = []
    for service in services:
        selector = (service.get("spec") or {}).get("selector") or {}
        if selector and all(labels.get(key) == value for key, value in selector.items()):
            found.append(service["metadata"]["name"])
    return sorted(found)


def network_policy(incident: str, namespace: str, record: str) -> dict[str, Any]:
    """Return the policy that allows nothing in either direction, and holds what is to be undone."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": names.policy(incident),
            "namespace": namespace,
            "labels": names.labels(incident),
            "annotations": {names.RECORD: record},
        },
        "spec": {
            "podSelector": {"matchLabels": {names.QUARANTINE: incident}},
            "policyTypes": ["Ingress", "Egress"],
        },
    }


def cilium_policy(incident: str, namespace: str, owner: Mapping[str, Any]) -> dict[str, Any]:
    """Return the policy that denies, which goes when its owner goes."""
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {
            "name": names.policy(incident),
            "namespace": namespace,
            "labels": names.labels(incident),
            "ownerReferences": [dict(owner)],
        },
        "spec": {
            "endpointSelector": {"matchLabels": {names.QUARANTINE: incident}},
            "ingressDeny": [
                {"fromEndpoints": [_EVERY_POD]},
                {"fromEntities": ["world", "remote-node", "unmanaged"]},
            ],
            "egressDeny": [{"toEntities": ["all"]}],
        },
    }


def is_cut(endpoint: Live, incident: str) -> bool:
    """Say whether Cilium has taken note of the label, which it does after a moment of grace."""
    identity = (endpoint.get("status") or {}).get("identity") or {}
    return f"k8s:{names.QUARANTINE}={incident}" in (identity.get("labels") or [])


def owner_of(policy: Live) -> dict[str, Any]:
    """Return the reference by which an object goes when the policy goes."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "name": policy["metadata"]["name"],
        "uid": policy["metadata"]["uid"],
    }
