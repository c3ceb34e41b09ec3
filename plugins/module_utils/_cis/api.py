# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the checks need of the API, read once, several lists at a time.

Of Secrets only those that are tokens are listed, and only their names are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.rampart.k8s.plugins.module_utils._kube.status import ApiError

Object = dict[str, Any]

ENFORCE = "pod-security.kubernetes.io/enforce"
_REFUSED = re.compile(r'violates PodSecurity "(baseline|restricted):')

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"

LISTS = {
    "namespaces": "/api/v1/namespaces",
    "pods": "/api/v1/pods",
    "serviceaccounts": "/api/v1/serviceaccounts",
    "services": "/api/v1/namespaces/default/services",
    "networkpolicies": "/apis/networking.k8s.io/v1/networkpolicies",
    "roles": f"{_RBAC}/roles",
    "clusterroles": f"{_RBAC}/clusterroles",
    "rolebindings": f"{_RBAC}/rolebindings",
    "clusterrolebindings": f"{_RBAC}/clusterrolebindings",
    "validatingwebhooks": f"{_ADMISSION}/validatingwebhookconfigurations",
    "admissionpolicies": f"{_ADMISSION}/validatingadmissionpolicies",
}


class Reader(Protocol):
    """The part of the Kubernetes client that is used here."""

    def list_all(self, path: str, *, query: Mapping[str, Any] | None = None) -> tuple[list[Object], str]:
        """Return all objects under a path."""

    def call(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Object:
        """Send one request."""

    def map(self, function: Any, items: Any) -> list[Any]:
        """Call a function for all items, several at a time."""


def name(item: Object) -> str:
    """Return ``namespace/name``, or the name alone."""
    metadata = item["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else metadata["name"]


@dataclass(frozen=True, slots=True)
class Api:
    """The objects, by list; ``groups`` are the API groups that are served, ``user`` is who asked."""

    objects: Mapping[str, list[Object]]
    groups: frozenset[str] = frozenset()
    user: Mapping[str, Any] = field(default_factory=dict)
    # Legacy tokens that never end, and bootstrap tokens, by name.
    token_secrets: tuple[str, ...] = ()
    bootstrap_secrets: tuple[str, ...] = ()
    # What Pod Security enforces in a namespace without a label, as the API server shows it.
    default_level: str = "privileged"

    def of(self, kind: str) -> list[Object]:
        """Return the objects of a list."""
        return self.objects[kind]


def default_level(client: Reader, namespaces: Sequence[Object]) -> str:
    """Try a pod that no level but the lowest takes, without making it, where no label says anything.

    Only a refusal that names its level counts: a quota or a missing right refuses as well.
    """
    for space in namespaces:
        metadata = space["metadata"]
        if ENFORCE in (metadata.get("labels") or {}) or metadata["name"].startswith("kube-"):
            continue
        try:
            client.call(
                "POST",
                f"/api/v1/namespaces/{metadata['name']}/pods",
                query={"dryRun": "All"},
                body={
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"generateName": "rampart-probe-"},
                    "spec": {"hostNetwork": True, "containers": [{"name": "probe", "image": "probe:1"}]},
                },
            )
        except ApiError as error:
            named = _REFUSED.search(str(error.status.get("message") or ""))
            return named.group(1) if named else "privileged"
        return "privileged"
    return "privileged"


def read(client: Reader) -> Api:
    """Ask the API server."""
    lists = client.map(lambda path: client.list_all(path)[0], LISTS.values())
    groups = client.call("GET", "/apis")
    review = client.call(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        body={"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )

    def secrets(kind: str) -> tuple[str, ...]:
        found, _version = client.list_all("/api/v1/secrets", query={"fieldSelector": f"type={kind}"})
        return tuple(name(item) for item in found)

    objects = dict(zip(LISTS, lists, strict=True))
    return Api(
        objects,
        frozenset(group["name"] for group in groups.get("groups", [])),
        review.get("status", {}).get("userInfo", {}),
        secrets("kubernetes.io/service-account-token"),
        secrets("bootstrap.kubernetes.io/token"),
        default_level(client, objects["namespaces"]),
    )
