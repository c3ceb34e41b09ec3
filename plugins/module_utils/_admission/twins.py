# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The twin of something live: the same object as if it were made now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS, Kind, Workload

INGRESS = Kind("Ingress", "networking.k8s.io/v1", "ingresses", ())
ALL = (*KINDS, INGRESS)
NAME = "rampart-twin-"

_DEPLOYMENT = next(kind for kind in KINDS if kind.kind == "Deployment")
# What the policies do not judge by itself makes pods from a template all the same.
_AS_DEPLOYMENT = frozenset(("ReplicaSet", "ReplicationController"))
# A Job is told apart from others by what its controller writes into it.
_JOB_LABELS = frozenset(
    ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
)


@dataclass(frozen=True, slots=True)
class Twin:
    """What is sent in place of something live."""

    path: str
    body: dict[str, Any]


def _metadata(item: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: item["metadata"].get(key) or {} for key in ("labels", "annotations")}
    return {"generateName": NAME, **{key: value for key, value in kept.items() if value}}


def _without_job_labels(spec: Mapping[str, Any]) -> dict[str, Any]:
    template = spec["template"]
    labels = (template.get("metadata") or {}).get("labels") or {}
    own = {key: value for key, value in labels.items() if key not in _JOB_LABELS}
    kept = {key: value for key, value in spec.items() if key != "selector"}
    metadata = {**(template.get("metadata") or {}), "labels": own}
    return {**kept, "template": {**template, "metadata": metadata}}


def twin(workload: Workload, namespace: str) -> Twin:
    """Return what would be made anew."""
    kind, item = workload.kind, workload.item
    spec = dict(item.get("spec") or {})
    if kind.kind in _AS_DEPLOYMENT:
        labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
        kind = _DEPLOYMENT
        spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": spec.get("template") or {}}
    elif kind.kind == "Job":
        spec = _without_job_labels(spec)
    elif kind.kind == "Pod":
        spec.pop("nodeName", None)
    elif kind.kind == "StatefulSet":
        spec["replicas"] = 0
    body = {
        "apiVersion": kind.group,
        "kind": kind.kind,
        "metadata": _metadata(item),
        "spec": spec,
    }
    return Twin(kind.path(namespace), body)
