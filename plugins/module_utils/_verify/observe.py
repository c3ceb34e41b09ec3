# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a cluster is, as far as a proof depends on it: read quickly, and compared instead of proved again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import called

NAMESPACES = "/api/v1/namespaces"
NODES = "/api/v1/nodes"
DAEMONSETS = "/apis/apps/v1/daemonsets"

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
RBAC = tuple(f"{_RBAC}/{kind}" for kind in ("roles", "rolebindings", "clusterroles", "clusterrolebindings"))

_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
ADMISSION = tuple(
    f"{_ADMISSION}/{kind}"
    for kind in (
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
    )
)

# A server writes down which process it is; another one is another process, with flags of its own.
SERVERS = (
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
    {"labelSelector": "apiserver.kubernetes.io/identity=kube-apiserver"},
)

# Whose resources decide about packets, besides Kubernetes' own NetworkPolicies.
NETWORK_GROUPS = frozenset(
    {
        "networking.k8s.io",
        "policy.networking.k8s.io",
        "cilium.io",
        "crd.projectcalico.org",
        "projectcalico.org",
        "crd.antrea.io",
        "kubeovn.io",
    }
)
NETWORK_WORDS = ("polic", "networkset", "cidrgroup", "hostendpoint", "tier")

_NODE_INFO = ("bootID", "kernelVersion", "kubeletVersion", "containerRuntimeVersion")
_METADATA = ("name", "namespace", "uid", "labels", "annotations", "deletionTimestamp", "ownerReferences")


def content(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what somebody decided about an object, without what the server keeps in its books."""
    kept = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    metadata = item["metadata"]
    return {**kept, "metadata": {key: metadata[key] for key in _METADATA if key in metadata}}


def node(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return which node it is and what runs there since when."""
    stated = item.get("status") or {}
    info = stated.get("nodeInfo") or {}
    return {
        "name": item["metadata"]["name"],
        "uid": item["metadata"]["uid"],
        "spec": item.get("spec") or {},
        "addresses": stated.get("addresses") or [],
        **{key: info.get(key, "") for key in _NODE_INFO},
    }


def daemon(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what runs on every node (a cluster's network is such a thing), and whether it does."""
    stated = item.get("status") or {}
    numbers = ("desiredNumberScheduled", "updatedNumberScheduled", "numberReady")
    return {**content(item), "status": {key: stated.get(key, 0) for key in numbers}}


class Cluster:
    """Reads one cluster, several lists at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.uid = ""
        self.version = ""

    def base(self) -> dict[str, Any]:
        """Return what every proof depends on: the cluster, its servers, its nodes and its namespaces."""
        paths = (NAMESPACES, NODES)
        spaces, nodes = self._client.map(lambda path: self._client.list_all(path)[0], paths)
        servers, _version = self._client.list_all(SERVERS[0], query=SERVERS[1])
        self.version = str(self._client.get("/version").get("gitVersion", ""))
        self.uid = next(
            (item["metadata"]["uid"] for item in spaces if item["metadata"]["name"] == "kube-system"), ""
        )
        return {
            "cluster": self.uid,
            "version": self.version,
            "servers": sorted(str(item["spec"].get("holderIdentity")) for item in servers),
            "nodes": sorted((node(item) for item in nodes), key=lambda each: str(each["name"])),
            "namespaces": sorted((content(item) for item in spaces), key=_key),
        }

    def contents(self, paths: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """Return everything under some paths; a kind that this server does not know has nothing."""
        listed = list(paths)
        found = self._client.map(self._list, listed)
        return {
            path: sorted(map(content, items), key=_key) for path, items in zip(listed, found, strict=True)
        }

    def network(self) -> dict[str, Any]:
        """Return every policy of every network that the server knows, and what runs on all nodes."""
        daemons = [daemon(item) for item in self._list(DAEMONSETS)]
        return {"policies": self.contents(self._network_paths()), "daemons": sorted(daemons, key=_key)}

    def called(self, namespaces: Iterable[str]) -> dict[str, list[list[Any]]]:
        """Return what the pods of some namespaces call their ports: a policy may open one by its name."""
        listed = sorted(set(namespaces))
        found = self._client.map(lambda name: self._list(f"{NAMESPACES}/{name}/pods"), listed)
        return {name: _called(pods) for name, pods in zip(listed, found, strict=True)}

    def _network_paths(self) -> list[str]:
        groups = [
            f"/apis/{group['preferredVersion']['groupVersion']}"
            for group in self._client.get("/apis")["groups"]
            if group["name"] in NETWORK_GROUPS
        ]
        found = []
        for path, listed in zip(groups, self._client.map(self._client.get, groups), strict=True):
            found += [
                f"{path}/{resource['name']}"
                for resource in listed["resources"]
                if "list" in resource["verbs"] and any(word in resource["name"] for word in NETWORK_WORDS)
            ]
        return sorted(found)

    def _list(self, path: str) -> list[dict[str, Any]]:
        try:
            return self._client.list_all(path)[0]
        except status.ApiError as error:
            if error.code != 404:
                raise
            return []


def _called(pods: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    found = set()
    for pod in pods:
        application = (pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name", "")
        found |= {(application, name, port.number, port.protocol) for name, port in called(pod)}
    return [list(each) for each in sorted(found)]


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    metadata = item["metadata"]
    return str(metadata.get("namespace", "")), str(metadata["name"])
