# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Checks permissions before anything is written, and lists all that are missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """A verb on a resource, or on a part of it (``pods/exec``); no namespace means the whole cluster."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    # Of one object only.
    name: str = ""

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        what = f"{kind} {self.name}" if self.name else kind
        return f"{self.verb} {what} " + (f"in {self.namespace}" if self.namespace else "in the cluster")


def permissions(namespace: str, *wanted: tuple[str, str, tuple[str, ...]]) -> list[Permission]:
    """Return several verbs on several resources (group, resource, verbs) of a namespace."""
    return [
        Permission(verb, group, resource, namespace) for group, resource, verbs in wanted for verb in verbs
    ]


EVERYTHING = Permission("*", "*", "*")


def allowed(client: Client, permission: Permission) -> bool:
    """Ask the API server whether we may; it keeps nothing of the question (and with dryRun never could)."""
    resource, _slash, part = permission.resource.partition("/")
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {
            "resourceAttributes": {
                "verb": permission.verb,
                "group": permission.group,
                "resource": resource,
                "subresource": part,
                "namespace": permission.namespace,
                "name": permission.name,
            }
        },
    }
    answer = client.call(
        "POST", REVIEWS, query={"dryRun": "All"}, body=review, target="our own permissions", verb="review"
    )
    return bool((answer.get("status") or {}).get("allowed"))


def missing(client: Client, permissions: Iterable[Permission]) -> list[Permission]:
    """Return the permissions that we lack; one question is enough for an administrator."""
    wanted = sorted(set(permissions))
    if not wanted or allowed(client, EVERYTHING):
        return []
    answers = client.map(lambda permission: allowed(client, permission), wanted)
    return [permission for permission, answer in zip(wanted, answers, strict=True) if not answer]


def require(client: Client, permissions: Iterable[Permission]) -> None:
    """Stop before the first write when a permission is missing."""
    lacking = [str(permission) for permission in missing(client, permissions)]
    if lacking:
        raise RampartError(
            f"The user of context {client.credentials.context!r} lacks {len(lacking)} permissions: "
            f"{'; '.join(lacking)}. Nothing was written.",
            next_step="grant them (a Role and a RoleBinding), or use another user",
            missing_permissions=lacking,
        )
