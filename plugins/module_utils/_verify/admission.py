# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the API server must refuse in an environment, and the harmless twin that it must accept."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._policy import quantity
from ansible_collections.rampart.k8s.plugins.module_utils._policy.grants import EXPIRES, rfc3339
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects

PODS = "/api/v1/namespaces/{}/pods"
SERVICES = "/api/v1/namespaces/{}/services"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings"

# More containers than this make no pod that a server would even look at.
MOST_CONTAINERS = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something to be tried as a dry run, and the words of the one control that must refuse it.

    ``refusal`` is empty for what must be accepted. A refusal for another reason proves nothing.
    """

    claim: str
    path: str
    body: dict[str, Any]
    refusal: str = ""


def harmless(namespace: str, image: str) -> dict[str, Any]:
    """Return the pod that every environment accepts; each attempt differs from it in one thing."""
    container = objects.restricted_container(image, ["/bin/sh", "-c", "exit 0"])
    return objects.pod("rampart-probe-try", namespace, objects.restricted_spec(container))


def _spoilt(namespace: str, image: str, change: str) -> dict[str, Any]:
    made = copy.deepcopy(harmless(namespace, image))
    spec = made["spec"]
    security = spec["containers"][0]["securityContext"]
    if change == "privileged":
        security |= {"privileged": True, "allowPrivilegeEscalation": True}
    elif change == "root":
        spec["securityContext"] |= {"runAsNonRoot": False, "runAsUser": 0}
    elif change == "host-path":
        spec["volumes"] = [{"name": "host", "hostPath": {"path": "/"}}]
    elif change == "host-network":
        spec["hostNetwork"] = True
    return made


SPOILT = {
    "privileged": "a privileged pod",
    "root": "a pod that runs as root",
    "host-path": "a pod that mounts the node's disk",
    "host-network": "a pod in the node's network",
}


def _sized(namespace: str, image: str, resource: str, amount: str, containers: int) -> dict[str, Any]:
    """Return the harmless pod with so many containers that ask for so much each."""
    made = copy.deepcopy(harmless(namespace, image))
    first = made["spec"]["containers"][0]
    for side in ("requests", "limits"):
        first["resources"][side][resource] = amount
    made["spec"]["containers"] = [{**first, "name": f"probe-{number}"} for number in range(containers)]
    return made


def over_limit(environment: Mapping[str, Any], image: str) -> Iterator[Attempt]:
    """Ask for more than one container may have."""
    namespace = environment["namespace"]
    for resource, most in (environment["limit_range"].get("max") or {}).items():
        amount = quantity.show(quantity.parse(most) * 2)
        yield Attempt(
            f"{namespace} refuses a container with {amount} {resource}",
            PODS.format(namespace),
            _sized(namespace, image, resource, amount, 1),
            f"maximum {resource} usage per Container is",
        )


def over_quota(environment: Mapping[str, Any], image: str) -> Iterator[Attempt]:
    """Ask for more than the whole environment may have, in pieces that the limit range lets pass."""
    namespace = environment["namespace"]
    for resource, most in (environment["limit_range"].get("max") or {}).items():
        hard = environment["quota"].get(f"requests.{resource}")
        if hard is None or not quantity.parse(most):
            continue
        containers = int(quantity.parse(hard) / quantity.parse(most)) + 1
        if containers <= MOST_CONTAINERS:
            yield Attempt(
                f"{namespace} refuses a pod that asks for {containers} times {most} {resource}",
                PODS.format(namespace),
                _sized(namespace, image, resource, str(most), containers),
                "exceeded quota",
            )
    if quantity.parse(environment["quota"].get("services.nodeports", "1")) == 0:
        yield Attempt(
            f"{namespace} refuses a Service that opens a port on every node",
            SERVICES.format(namespace),
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "rampart-probe", "namespace": namespace},
                "spec": {"type": "NodePort", "selector": {objects.LABEL: "none"}, "ports": [{"port": 80}]},
            },
            "exceeded quota",
        )


def grants(namespace: str, role: str, longest_hours: int, now: datetime) -> Iterator[Attempt]:
    """Try to give access without an end, with one too far away, and as it must be."""
    ends = {
        "without an end": ({}, "ValidatingAdmissionPolicy 'rampart-grants-end'"),
        "that lasts too long": (
            {EXPIRES: rfc3339(now + timedelta(hours=longest_hours + 24))},
            "ValidatingAdmissionPolicy 'rampart-grants-end'",
        ),
        "with an end": ({EXPIRES: rfc3339(now + timedelta(hours=longest_hours / 2))}, ""),
    }
    for words, (notes, refusal) in ends.items():
        yield Attempt(
            f"{namespace} {'refuses' if refusal else 'accepts'} a grant of {role} {words}",
            BINDINGS.format(namespace),
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "rampart-probe", "namespace": namespace, "annotations": notes},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "rampart:verify"}
                ],
            },
            refusal,
        )


def attempts(environment: Mapping[str, Any], image: str) -> list[Attempt]:
    """Return everything to be tried in one environment, the harmless pod first."""
    namespace = environment["namespace"]
    tries = [
        Attempt(f"{namespace} accepts a harmless pod", PODS.format(namespace), harmless(namespace, image))
    ]
    if environment["pod_security"]["level"] != "privileged":
        tries += [
            Attempt(
                f"{namespace} refuses {words}",
                PODS.format(namespace),
                _spoilt(namespace, image, change),
                "violates PodSecurity",
            )
            for change, words in SPOILT.items()
            if change != "root" or environment["pod_security"]["level"] == "restricted"
        ]
    return [*tries, *over_limit(environment, image), *over_quota(environment, image)]


def bad_deployment(namespace: str, name: str, image: str) -> dict[str, Any]:
    """Return a Deployment whose template is refused: the Deployment itself is only warned of."""
    labels = {**objects.IDENTITY, objects.LABEL: "true", "rampart.k8s/probe-name": name}
    made = _spoilt(namespace, image, "privileged")
    made["spec"].pop("restartPolicy")
    made["spec"].pop("activeDeadlineSeconds")
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"rampart.k8s/probe-name": name}},
            "template": {"metadata": {"labels": labels}, "spec": made["spec"]},
        },
    }


def replica_failure(deployment: Mapping[str, Any]) -> str:
    """Return why a Deployment gets no pod, as its ReplicaSet was told."""
    for condition in (deployment.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return str(condition.get("message") or condition.get("reason"))
    return ""
