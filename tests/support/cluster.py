# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that holds a few objects, for what only reads lists."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._verify import observe

POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"


class FakeCluster:
    """Answers lists by their path, and is changed by the test."""

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {
            observe.NAMESPACES: [
                {"metadata": {"name": "kube-system", "uid": "uid-1"}},
                {"metadata": {"name": "dev", "uid": "uid-2", "labels": {"rampart.k8s/environment": "dev"}}},
            ],
            observe.NODES: [
                {
                    "metadata": {"name": "local", "uid": "uid-3"},
                    "spec": {},
                    "status": {"nodeInfo": {"bootID": "boot-1"}, "conditions": [{"type": "Ready"}]},
                }
            ],
            observe.SERVERS[0]: [{"metadata": {"name": "apiserver"}, "spec": {"holderIdentity": "server-1"}}],
            observe.DAEMONSETS: [],
            POLICIES: [
                {
                    "metadata": {
                        "name": "default-deny",
                        "namespace": "dev",
                        "uid": "uid-4",
                        "resourceVersion": "1",
                        "managedFields": [{"manager": "rampart"}],
                    },
                    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
                }
            ],
        }
        self.documents: dict[str, dict[str, Any]] = {
            "/version": {"gitVersion": "v1.36.3"},
            "/apis": {
                "groups": [
                    {
                        "name": "networking.k8s.io",
                        "preferredVersion": {"groupVersion": "networking.k8s.io/v1"},
                    },
                    {"name": "apps", "preferredVersion": {"groupVersion": "apps/v1"}},
                ]
            },
            "/apis/networking.k8s.io/v1": {
                "resources": [
                    {"name": "networkpolicies", "verbs": ["get", "list"]},
                    {"name": "networkpolicies/status", "verbs": ["get"]},
                    {"name": "ingresses", "verbs": ["get", "list"]},
                ]
            },
        }

    def list_all(
        self, path: str, *, query: Mapping[str, Any] | None = None, target: str = ""
    ) -> tuple[list[dict[str, Any]], str]:
        if path not in self.lists:
            raise status.error("list", path, {"code": 404, "reason": "NotFound", "message": "not found"})
        return copy.deepcopy(self.lists[path]), "1"

    def cluster_uid(self) -> str:
        return str(self.lists[observe.NAMESPACES][0]["metadata"]["uid"])

    def get(self, path: str) -> dict[str, Any]:
        return self.documents[path]

    def find(self, path: str, *, target: str = "") -> dict[str, Any] | None:
        assert path or target
        return self.documents.get(path)

    def call(self, _method: str, path: str, *, query: Any = None, body: Any = None) -> dict[str, Any]:
        return self.documents.get(path, {})

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]
