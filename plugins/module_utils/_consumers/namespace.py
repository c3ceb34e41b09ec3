# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Everything in a namespace that can refer to a Secret, read in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers import workloads
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import TYPE as RELEASE_TYPE
from ansible_collections.rampart.k8s.plugins.module_utils._incident import names
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import (
    KINDS,
    Kind,
    Workload,
    responsible,
)

ACCOUNT = Kind("ServiceAccount", "v1", "serviceaccounts")
INGRESS = Kind("Ingress", "networking.k8s.io/v1", "ingresses")
# What others keep Secrets by: a cluster without that kind has none of them.
EXTERNAL = (
    Kind("ExternalSecret", "external-secrets.io/v1", "externalsecrets"),
    Kind("ExternalSecret", "external-secrets.io/v1beta1", "externalsecrets"),
)
RELEASES = "releases"

Items = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Namespace:
    """What lives in a namespace, by kind."""

    name: str
    live: Mapping[str, Items]
    # Kind and name of what each pod belongs to, by the pod's UID.
    owners: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, live: Mapping[str, Items]) -> Namespace:
        """Take what was read, and find whom each pod belongs to.

        A pod in quarantine is nobody's consumer: it keeps what it was given, and holds up no rotation.
        """
        free = [pod for pod in live.get("Pod") or [] if not names.in_quarantine(pod)]
        live = {**live, "Pod": free}
        pods = {kind.kind: live.get(kind.kind) or [] for kind in KINDS}
        return cls(name, live, workloads.owners(pods))

    def workloads(self) -> Iterator[Workload]:
        """Yield what answers for itself."""
        return responsible(self.live)

    def pods(self) -> Iterator[dict[str, Any]]:
        """Yield the pods that may still use what they were given."""
        return (pod for pod in self.live.get("Pod") or [] if workloads.alive(pod))

    def pods_of(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Return the pods that belong to a workload."""
        return [pod for pod in self.pods() if self.owners.get(pod["metadata"]["uid"]) == (kind, name)]


def permissions(name: str) -> list[Permission]:
    """Return what it takes to read a namespace."""
    kinds = ((kind.api_group, kind.plural) for kind in (*KINDS, ACCOUNT, INGRESS, *EXTERNAL))
    return [Permission("list", group, plural, name) for group, plural in (("", "secrets"), *kinds)]


def read(client: Client, name: str) -> Namespace:
    """Read a namespace, several kinds at a time."""
    paths = {kind.kind: kind.path(name) for kind in (*KINDS, ACCOUNT, INGRESS)}
    places = [*paths.items(), *((kind.kind, kind.path(name)) for kind in EXTERNAL)]
    releases = f"/api/v1/namespaces/{name}/secrets"
    query = {"fieldSelector": f"type={RELEASE_TYPE}", "labelSelector": "owner=helm,status=deployed"}
    listed = client.map(
        lambda place: (
            client.list_all(releases, query=query, target=f"releases of Helm in {name}")[0]
            if place[0] == RELEASES
            else _list(client, *place)
        ),
        [*places, (RELEASES, releases)],
    )
    live: dict[str, Items] = {}
    for (kind, _path), items in zip([*places, (RELEASES, "")], listed, strict=True):
        # Two versions of a kind show the same objects.
        if items or kind not in live:
            live[kind] = items
    return Namespace.of(name, live)


def _list(client: Client, kind: str, path: str) -> Items:
    try:
        return client.list_all(path, target=f"every {kind}")[0]
    except status.ApiError as error:
        # Only of the kinds that somebody else brings.
        if error.code == 404 and kind == EXTERNAL[0].kind:
            return []
        raise
