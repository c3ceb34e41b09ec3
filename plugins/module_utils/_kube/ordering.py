# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""In which order objects are applied, so that nothing is refused for want of something in the same list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any, TypeVar

Item = TypeVar("Item")

_LAST = 90
_DEFAULT = 60

_RANKS = {
    "Namespace": 0,
    "CustomResourceDefinition": 1,
    "PriorityClass": 10,
    "RuntimeClass": 10,
    "StorageClass": 10,
    "ServiceAccount": 20,
    "ClusterRole": 21,
    "Role": 21,
    "ClusterRoleBinding": 22,
    "RoleBinding": 22,
    "LimitRange": 23,
    "ResourceQuota": 23,
    "Secret": 30,
    "ConfigMap": 30,
    "NetworkPolicy": 31,
    "PersistentVolume": 40,
    "PersistentVolumeClaim": 41,
    "Service": 42,
    "APIService": _LAST,
    "MutatingWebhookConfiguration": _LAST + 1,
    "ValidatingWebhookConfiguration": _LAST + 1,
    "ValidatingAdmissionPolicy": _LAST,
    "ValidatingAdmissionPolicyBinding": _LAST + 1,
}

_AFTER_ALLOW_RULES = 32


def rank(definition: Mapping[str, Any]) -> int:
    """Return the place of a kind: what others need comes early, what can refuse others comes last."""
    found = _RANKS.get(definition["kind"], _DEFAULT)
    if definition["kind"] == "NetworkPolicy":
        spec = definition.get("spec") or {}
        if not spec.get("ingress") and not spec.get("egress"):
            # A policy that only denies, before the ones that allow, cuts running pods off; when the
            # run is killed between both, for long.
            return _AFTER_ALLOW_RULES
    return found


def batches(items: Iterable[Item], key: Callable[[Item], int], *, reverse: bool = False) -> list[list[Item]]:
    """Group items by rank; those of one rank can be applied at the same time."""
    ordered = sorted(items, key=key, reverse=reverse)
    return [list(group) for _unused, group in groupby(ordered, key=key)]
