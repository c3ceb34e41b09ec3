# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A second Deployment beside the one that serves: the new revision's pods, under the old one's Services.

A Service spreads its connections over all pods that it selects, so that the share of the new pods among
all of them is the share of the traffic that they get.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._helm.manifests import group_kind, template

LABEL = "rampart.k8s/canary"
SUFFIX = "-canary"
# What a pod may read that the new revision brings in another version; it gets a copy of its own.
COPIED = ("ConfigMap", "Secret")


def replicas(stable: int, weight: int) -> int:
    """Return how many pods of the new revision get about this part of a hundred, beside the stable ones."""
    return max(1, math.ceil(stable * weight / (100 - weight)))


def share(stable: int, new: int) -> int:
    """Return the part of a hundred that new pods get."""
    return round(100 * new / (stable + new)) if stable + new else 0


def objects(
    wanted: Sequence[Mapping[str, Any]], present: Sequence[Mapping[str, Any]], workload: str, release: str
) -> list[dict[str, Any]]:
    """Return the canary of a Deployment behind copies of what it reads and what changes."""
    found = [item for item in wanted if _is(item, ("apps", "Deployment"), workload)]
    if not found:
        raise RampartError(
            f"The release {release} has no Deployment {workload} to make a canary of.",
            next_step="name a Deployment of the chart in canary.workload",
        )
    made = copy.deepcopy(dict(found[0]))
    made["metadata"] = _named(made, f"{workload}{SUFFIX}", release)
    made["spec"].pop("replicas", None)
    track = {LABEL: release}
    made["spec"]["selector"] = {
        **made["spec"]["selector"],
        "matchLabels": {**(made["spec"]["selector"].get("matchLabels") or {}), **track},
    }
    pod = made["spec"]["template"]
    pod["metadata"] = {
        **(pod.get("metadata") or {}),
        "labels": {**((pod.get("metadata") or {}).get("labels") or {}), **track},
    }
    copies = []
    for item in wanted:
        kind, name = item["kind"], item["metadata"]["name"]
        same = any(each == item for each in present)
        if kind in COPIED and not same and _rename(pod["spec"], kind, name, f"{name}{SUFFIX}"):
            second = copy.deepcopy(dict(item))
            second["metadata"] = _named(second, f"{name}{SUFFIX}", release)
            copies.append(second)
    return [*copies, made]


def _is(item: Mapping[str, Any], kind: tuple[str, str], name: str) -> bool:
    return group_kind(item) == kind and item["metadata"]["name"] == name and template(item) is not None


def _named(item: Mapping[str, Any], name: str, release: str) -> dict[str, Any]:
    """Return the metadata of a copy: its own name, and the label by which it is found and removed."""
    metadata = item["metadata"]
    return {
        "name": name,
        "namespace": metadata["namespace"],
        "labels": {**(metadata.get("labels") or {}), LABEL: release},
        "annotations": {
            key: value
            for key, value in (metadata.get("annotations") or {}).items()
            if not key.startswith("meta.helm.sh/")
        },
    }


# Where a pod names what it reads: the field that holds the reference, and the key of the name in it.
REFERENCES = {
    "ConfigMap": {"configMap": "name", "configMapRef": "name", "configMapKeyRef": "name"},
    "Secret": {"secret": "secretName", "secretRef": "name", "secretKeyRef": "name"},
}


def _rename(data: Any, kind: str, old: str, new: str, *, projected: bool = False) -> bool:
    """Let everything in a pod that reads an object read its copy; whether there was anything."""
    found = False
    if isinstance(data, dict):
        for field, value in data.items():
            key = REFERENCES[kind].get(field)
            # A Secret in a projected volume is named like everything else.
            key = "name" if key and projected else key
            if key and isinstance(value, dict) and value.get(key) == old:
                value[key] = new
                found = True
            elif _rename(value, kind, old, new, projected=projected or field == "projected"):
                found = True
    elif isinstance(data, list):
        for value in data:
            found = _rename(value, kind, old, new, projected=projected) or found
    return found
