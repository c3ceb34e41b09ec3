# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What makes pods: every owner of a pod template, told apart from what it made itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind that makes pods, and where its template lies."""

    kind: str
    group: str
    plural: str
    template: tuple[str, ...] = ("spec", "template")

    @property
    def api_group(self) -> str:
        """Its group without the version, empty for the core group: as permissions name it."""
        return self.group.rpartition("/")[0]

    def path(self, namespace: str, name: str = "") -> str:
        """Where the API server keeps it."""
        root = f"/apis/{self.group}" if "/" in self.group else f"/api/{self.group}"
        return f"{root}/namespaces/{namespace}/{self.plural}" + (f"/{name}" if name else "")


POD = Kind("Pod", "v1", "pods", ())

KINDS = (
    Kind("Deployment", "apps/v1", "deployments"),
    Kind("StatefulSet", "apps/v1", "statefulsets"),
    Kind("DaemonSet", "apps/v1", "daemonsets"),
    Kind("ReplicaSet", "apps/v1", "replicasets"),
    Kind("ReplicationController", "v1", "replicationcontrollers"),
    Kind("CronJob", "batch/v1", "cronjobs", ("spec", "jobTemplate", "spec", "template")),
    Kind("Job", "batch/v1", "jobs"),
    POD,
)


def controlled(item: Mapping[str, Any]) -> bool:
    """Say whether something else makes it anew when it is gone: then that is what has to be right."""
    return any(owner.get("controller") for owner in item["metadata"].get("ownerReferences") or [])


def ended(item: Mapping[str, Any]) -> bool:
    """Say whether it has done its work and makes no pod any more."""
    status = item.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return True
    return any(
        condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True"
        for condition in status.get("conditions") or []
    )


@dataclass(frozen=True, slots=True)
class Workload:
    """Something live that must be able to make its pods again."""

    kind: Kind
    item: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.item["metadata"]["name"])

    @property
    def pod_spec(self) -> Mapping[str, Any]:
        """What its pods look like."""
        found: Any = self.item
        for key in self.kind.template:
            found = found.get(key) or {}
        return found.get("spec") or {}

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.name}"


def responsible(live: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Workload]:
    """Yield those that answer for themselves, of all that is live in a namespace, by kind."""
    for kind in KINDS:
        for item in live.get(kind.kind) or []:
            if not controlled(item) and not (kind.kind in ("Job", "Pod") and ended(item)):
                yield Workload(kind, item)
