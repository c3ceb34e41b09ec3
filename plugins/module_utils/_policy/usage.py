# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a quota and a limit would do to what is already there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._policy import quantity
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import Workload, ended

# The keys of a quota that count requests and limits of pods; the short names mean requests.
COMPUTE = ("cpu", "memory", "ephemeral-storage")


def _of(container: Mapping[str, Any], side: str, resource: str) -> Decimal:
    resources = container.get("resources") or {}
    value = (resources.get(side) or {}).get(resource)
    if value is None and side == "requests":
        # The API server fills a missing request from the limit.
        value = (resources.get("limits") or {}).get(resource)
    return quantity.parse(value) if value is not None else Decimal(0)


def pod_demand(spec: Mapping[str, Any], side: str, resource: str) -> Decimal:
    """Sum up a pod as the scheduler and the quota do.

    Init containers run one after the other before the rest, so only the largest counts, except
    for those that keep running (restartPolicy Always).
    """
    running = sum((_of(each, side, resource) for each in spec.get("containers") or []), Decimal(0))
    largest = kept = Decimal(0)
    for each in spec.get("initContainers") or []:
        own = _of(each, side, resource)
        if each.get("restartPolicy") == "Always":
            kept += own
            largest = max(largest, kept)
        else:
            largest = max(largest, kept + own)
    overhead = (spec.get("overhead") or {}).get(resource)
    return max(running + kept, largest) + (quantity.parse(overhead) if overhead else Decimal(0))


def used(key: str, live: Mapping[str, Sequence[Mapping[str, Any]]]) -> Decimal | None:
    """Count what a namespace holds of a quota's key; None when it can only be known afterwards."""
    pods = [pod for pod in live.get("Pod") or [] if not ended(pod)]
    services = [service["spec"] for service in live.get("Service") or []]
    claims = live.get("PersistentVolumeClaim") or []
    side, _unused, resource = (
        key.rpartition(".") if key.startswith(("requests.", "limits.")) else ("requests", "", key)
    )
    if resource in COMPUTE:
        return sum((pod_demand(pod["spec"], side, resource) for pod in pods), Decimal(0))
    if key == "requests.storage":
        return sum((_of(claim["spec"], "requests", "storage") for claim in claims), Decimal(0))
    if key == "services.nodeports":
        exposed = [spec for spec in services if spec.get("type") in ("NodePort", "LoadBalancer")]
        return Decimal(sum(len(spec.get("ports") or []) for spec in exposed))
    if key == "services.loadbalancers":
        return Decimal(sum(1 for spec in services if spec.get("type") == "LoadBalancer"))
    counted = {"pods": pods, "services": services, "persistentvolumeclaims": claims}.get(key)
    return None if counted is None else Decimal(len(counted))


def over_quota(
    hard: Mapping[str, Any],
    live: Mapping[str, Sequence[Mapping[str, Any]]],
    measured: Mapping[str, Any],
) -> tuple[list[dict[str, str]], list[str]]:
    """Return the keys that are used beyond the quota, and those that nobody can tell beforehand.

    ``measured`` is the API server's own count, where a quota with the key stands already.
    """
    broken = []
    unknown = []
    for key, limit in hard.items():
        amount = quantity.parse(measured[key]) if key in measured else used(key, live)
        if amount is None:
            unknown.append(key)
        elif amount > quantity.parse(limit):
            broken.append({"key": key, "hard": str(limit), "used": quantity.show(amount)})
    return broken, unknown


def over_limit(
    limits: Mapping[str, Mapping[str, Any]], workloads: Iterable[Workload]
) -> list[dict[str, str]]:
    """Return the workloads whose containers the limit range would refuse to make again."""
    broken = []
    for workload in workloads:
        spec = workload.pod_spec
        for container in (*(spec.get("containers") or []), *(spec.get("initContainers") or [])):
            for reason in _container_breaks(limits, container):
                broken.append(
                    {"workload": str(workload), "container": container.get("name", ""), "reason": reason}
                )
    return broken


def _container_breaks(limits: Mapping[str, Mapping[str, Any]], container: Mapping[str, Any]) -> Iterable[str]:
    resources = container.get("resources") or {}
    own_limits, own_requests = resources.get("limits") or {}, resources.get("requests") or {}
    for resource, most in (limits.get("max") or {}).items():
        asked = own_limits.get(resource)
        if asked is not None and quantity.parse(asked) > quantity.parse(most):
            yield f"its {resource} limit {asked} is above the maximum {most}"
    for resource, given in (limits.get("default") or {}).items():
        asked = own_requests.get(resource)
        if resource not in own_limits and asked is not None and quantity.parse(asked) > quantity.parse(given):
            yield f"it requests {asked} {resource}, more than the limit {given} that it would get"
