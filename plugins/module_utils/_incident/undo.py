# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""How everything that an incident did is taken back: by a Job when its time is over, or at once. Pure.

A step is idempotent, and does nothing to an object that is another one by now. The last step deletes the
policy that all other objects in its namespace belong to, so that they go with it, the permission to undo
included.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._incident import names
from ansible_collections.rampart.k8s.plugins.module_utils._verify.objects import (
    restricted_container,
    restricted_spec,
)

FORMAT = 1
# Of the Job's container: kubectl keeps there what the server knows.
SCRATCH = "/scratch"
# A Job that has done its work is kept for so long, to be read.
KEPT_SECONDS = 3600
# It tries for a day after its time, while an API server is away; then somebody has to look.
TRIES_SECONDS = 24 * 3600
# kubectl asks for everything that the server knows before it does anything.
RESOURCES = {
    "requests": {"cpu": "5m", "memory": "32Mi", "ephemeral-storage": "16Mi"},
    "limits": {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "64Mi"},
}


@dataclass(frozen=True, slots=True)
class Record:
    """One incident in a cluster, and all that leads back."""

    incident: str
    namespace: str
    pod: str
    uid: str
    # Seconds since 1970.
    ends: int
    labels: Mapping[str, str | None] = field(default_factory=dict)
    # Kind/name of what made the pod; empty when nothing did.
    workload: str = ""
    # How many replicas it had before it was scaled to none; -1 when it was not.
    replicas: int = -1

    def as_text(self) -> str:
        """Return it as the annotation that keeps it."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)

    @classmethod
    def of(cls, policy: Mapping[str, Any]) -> Record:
        """Read it from the policy; what was changed by hand is an error, not guessed."""
        metadata = policy["metadata"]
        try:
            said = json.loads((metadata.get("annotations") or {})[names.RECORD])
            if said.pop("format") != FORMAT:
                raise ValueError
            return cls(**said)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RampartError(
                f"NetworkPolicy {metadata['namespace']}/{metadata['name']} has no record of how to undo it.",
                next_step=f"look at its annotation {names.RECORD}; where it is lost, delete the policy "
                "by hand and put the labels of the pod right",
            ) from error

    @property
    def name(self) -> str:
        """The name of all its objects."""
        return names.policy(self.incident)


def scalable(workload: str) -> str:
    """Return the resource of a workload that can be scaled; empty where it cannot be."""
    kind = workload.partition("/")[0]
    return {"Deployment": "deployments", "StatefulSet": "statefulsets"}.get(kind, "")


def scale_path(namespace: str, workload: str) -> str:
    """Return where it is said how many replicas a scalable workload has."""
    name = workload.partition("/")[2]
    return f"/apis/apps/v1/namespaces/{namespace}/{scalable(workload)}/{name}/scale"


def rules(record: Record) -> list[dict[str, Any]]:
    """Return what the account may do: exactly what is to be undone, to exactly these objects."""
    found: list[dict[str, Any]] = [
        {
            "apiGroups": ["networking.k8s.io"],
            "resources": ["networkpolicies"],
            "resourceNames": [record.name],
            "verbs": ["get", "delete"],
        },
        {
            "apiGroups": [""],
            "resources": ["pods"],
            "resourceNames": [record.pod],
            "verbs": ["get", "patch"],
        },
    ]
    if record.replicas >= 0:
        resource, name = scalable(record.workload), record.workload.partition("/")[2]
        found += [
            {"apiGroups": ["apps"], "resources": [resource], "resourceNames": [name], "verbs": ["get"]},
            {
                "apiGroups": ["apps"],
                "resources": [f"{resource}/scale"],
                "resourceNames": [name],
                "verbs": ["get", "update", "patch"],
            },
        ]
    return found


def access(record: Record, owner: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the permission to undo, which goes when its owner goes."""
    metadata = {
        "name": record.name,
        "namespace": record.namespace,
        "labels": names.labels(record.incident),
        "ownerReferences": [dict(owner)],
    }
    api = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": metadata, "rules": rules(record)},
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": record.name},
            "subjects": [{"kind": "ServiceAccount", "name": record.name, "namespace": names.NAMESPACE}],
        },
    ]


def label_patch(record: Record) -> dict[str, Any]:
    """Return the patch that gives the pod its labels back; another pod of the name is refused."""
    return {"metadata": {"uid": record.uid, "labels": dict(record.labels)}}


def script(record: Record) -> str:
    """Return what the Job runs; each step again until it has succeeded, so an API server may be away."""
    # With a timeout of its own kubectl forgets that it is in a cluster.
    kubectl = f"timeout 60 kubectl --cache-dir={SCRATCH} -n {shlex.quote(record.namespace)}"
    pod, policy = shlex.quote(record.pod), shlex.quote(record.name)
    patch = shlex.quote(json.dumps(label_patch(record), sort_keys=True))
    steps = [
        f"found=$({kubectl} get pod {pod} --ignore-not-found -o 'jsonpath={{.metadata.uid}}') && "
        f'{{ [ "$found" != {shlex.quote(record.uid)} ] || '
        f"{kubectl} patch pod {pod} --type=merge -p {patch}; }}"
    ]
    if record.replicas >= 0:
        what = shlex.quote(f"{scalable(record.workload)}/{record.workload.partition('/')[2]}")
        steps.append(
            f"found=$({kubectl} get {what} --ignore-not-found -o 'jsonpath={{.spec.replicas}}') && "
            f'{{ [ "$found" != 0 ] || {kubectl} scale {what} --replicas={record.replicas}; }}'
        )
    steps.append(f"{kubectl} delete networkpolicy {policy} --ignore-not-found --wait=false")
    wait = f'now=$(date +%s)\n[ "$now" -ge {record.ends} ] || sleep $(({record.ends} - now))'
    return "\n".join([wait, *(f"until {step}; do sleep 5; done" for step in steps)])


def account(record: Record) -> dict[str, Any]:
    """Return whom the Job runs as."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": record.name,
            "namespace": names.NAMESPACE,
            "labels": names.labels(record.incident),
        },
        "automountServiceAccountToken": False,
    }


def job(record: Record, image: str, ttl: int) -> dict[str, Any]:
    """Return the Job that waits for the end and undoes; its pod is made anew wherever it is lost."""
    container = {
        **restricted_container(
            image, ["/bin/sh", "-c", script(record)], volumeMounts=[{"name": "tmp", "mountPath": SCRATCH}]
        ),
        "name": "undo",
        "resources": RESOURCES,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    spec = restricted_spec(
        container,
        restartPolicy="OnFailure",
        serviceAccountName=record.name,
        automountServiceAccountToken=True,
        volumes=[{"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}],
    )
    # It lives for as long as the quarantine lasts.
    del spec["activeDeadlineSeconds"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": record.name,
            "namespace": names.NAMESPACE,
            "labels": names.labels(record.incident),
        },
        "spec": {
            "backoffLimit": 1000,
            "activeDeadlineSeconds": ttl + TRIES_SECONDS,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {"metadata": {"labels": names.labels(record.incident)}, "spec": spec},
        },
    }


def told(record: Record, irreversible: Sequence[str] = ()) -> list[dict[str, str]]:
    """Say for every action what takes it back."""
    pod = f"Pod {record.namespace}/{record.pod}"
    found = [
        {
            "action": f"{pod} was cut off",
            "undo": f"NetworkPolicy {record.namespace}/{record.name} is deleted",
        },
        {"action": f"{pod} was labelled", "undo": "it gets the labels back that it had"},
    ]
    if record.replicas >= 0:
        found.append(
            {
                "action": f"{record.workload} was scaled to none",
                "undo": f"it gets {record.replicas} replicas, unless somebody scaled it meanwhile",
            }
        )
    return found + [
        {"action": action, "undo": "nothing: what was revoked stays revoked"} for action in irreversible
    ]
