# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects like those of three environments, in any number."""

from __future__ import annotations

from typing import Any

RBAC = "rbac.authorization.k8s.io"
NETWORKING = "networking.k8s.io/v1"


def environment(name: str) -> list[dict[str, Any]]:
    """Return a namespace and nine objects in it."""
    allow = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "patch"]}]
    limit = {"type": "Container", "default": {"cpu": "100m"}, "defaultRequest": {"cpu": "50m"}}
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": name}
    role = {"apiGroup": RBAC, "kind": "Role", "name": "deployer"}
    bodies: list[tuple[str, str, str, dict[str, Any]]] = [
        ("v1", "ServiceAccount", "deployer", {"automountServiceAccountToken": False}),
        (f"{RBAC}/v1", "Role", "deployer", {"rules": rules}),
        (f"{RBAC}/v1", "RoleBinding", "deployer", {"subjects": [subject], "roleRef": role}),
        ("v1", "ResourceQuota", "quota", {"spec": {"hard": {"pods": "20", "requests.cpu": "2"}}}),
        ("v1", "LimitRange", "limits", {"spec": {"limits": [limit]}}),
        (NETWORKING, "NetworkPolicy", "deny", {"spec": deny}),
        (NETWORKING, "NetworkPolicy", "allow", {"spec": allow}),
        ("v1", "ConfigMap", "settings", {"data": {"level": "info", "tier": name}}),
        ("v1", "Secret", "credential", {"type": "Opaque", "data": {"token": "c3ludGhldGljLXRva2Vu"}}),
    ]
    labels = {"app.kubernetes.io/managed-by": "benchmark"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
        *(
            {
                "apiVersion": api,
                "kind": kind,
                "metadata": {"name": own, "namespace": name, "labels": labels},
                **body,
            }
            for api, kind, own, body in bodies
        ),
    ]


def environments(prefix: str, count: int) -> list[dict[str, Any]]:
    """Return ten objects for each of so many environments."""
    return [found for number in range(count) for found in environment(f"{prefix}-{number}")]
