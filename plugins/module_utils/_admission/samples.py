# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The objects that a policy is tried with: a harmless one, and those that differ from it in one thing.

Pods are tried as Deployments: Pod Security refuses a bad pod before any other policy is asked, and only
warns of what would make it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import Environment, Guard
from ansible_collections.rampart.k8s.plugins.module_utils._verify.objects import LABEL

NAME = "rampart-probe-try"
DIGEST = "sha256:" + "0123456789abcdef" * 4
HOST = "probe.example.com"
PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
}

# How an image can be named; the digest is that of no image, since a sample is never run.
_REFERENCES = {"latest": ":latest", "none": "", "tag": ":1.2.3", "digest": f"@{DIGEST}"}


@dataclass(frozen=True, slots=True)
class Sample:
    """An object, and whether the policy must refuse it."""

    object: dict[str, Any]
    refused: bool

    @property
    def path(self) -> str:
        return PATHS[self.object["kind"]].format(self.object["metadata"]["namespace"])


def merge(base: Any, change: Any) -> Any:
    """Change an object: mappings key by key, lists of named things by name; null takes away."""
    if isinstance(base, Mapping) and isinstance(change, Mapping):
        made = dict(base)
        for key, value in change.items():
            if value is None:
                made.pop(key, None)
            else:
                made[key] = merge(made[key], value) if key in made else copy.deepcopy(value)
        return made
    return copy.deepcopy(change)


def _registry(environment: Environment) -> str:
    return str((environment.parameters.get("registries") or ["rampart.local/"])[0])


def container(environment: Environment) -> dict[str, Any]:
    """Return a container that every policy accepts."""
    amounts = {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "1Mi"}
    return {
        "name": "app",
        "image": environment.image or f"{_registry(environment)}app@{DIGEST}",
        "resources": {"requests": dict(amounts), "limits": dict(amounts)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def deployment(environment: Environment) -> dict[str, Any]:
    """Return a Deployment that every policy accepts."""
    wanted = environment.parameters.get("labels") or ()
    labels = {**dict.fromkeys(wanted, "probe"), LABEL: "true"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": environment.namespace, "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {LABEL: "true"}},
            "template": {
                "metadata": {"labels": dict(labels)},
                "spec": {
                    "serviceAccountName": "probe",
                    "automountServiceAccountToken": False,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65534,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container(environment)],
                },
            },
        },
    }


def plain_pod(environment: Environment) -> dict[str, Any]:
    """Return a pod that leaves unsaid what is filled in for it."""
    template = deployment(environment)["spec"]["template"]
    spec = template["spec"]
    spec["serviceAccountName"] = environment.account
    del spec["securityContext"]["seccompProfile"]
    del spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"]
    metadata = {**template["metadata"], "name": NAME, "namespace": environment.namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def ingress(environment: Environment) -> dict[str, Any]:
    """Return an Ingress that every policy accepts."""
    backend = {"service": {"name": "probe", "port": {"number": 8000}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": NAME, "namespace": environment.namespace, "labels": {LABEL: "true"}},
        "spec": {
            "tls": [{"hosts": [HOST], "secretName": "probe-tls"}],
            "rules": [
                {"host": HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
            ],
        },
    }


_HARMLESS = {"pods": deployment, "ingresses": ingress}


def changed(guard: Guard, change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the harmless object with one difference, written as the definition writes it."""
    environment = guard.environment
    made = _HARMLESS[guard.policy.kind](environment)
    if guard.policy.kind != "pods":
        return dict(merge(made, change["object"]))
    template = made["spec"]["template"]
    spec = template["spec"]
    if "image" in change:
        wanted = change["image"]
        reference = f"{_registry(environment)}{wanted['name']}{_REFERENCES[wanted['reference']]}"
        spec["containers"][0]["image"] = reference
    if "container" in change:
        spec["containers"][0] = merge(spec["containers"][0], change["container"])
    if "init_container" in change:
        added = merge({**container(environment), "name": "init"}, change["init_container"])
        spec["initContainers"] = [added]
    template["spec"] = merge(spec, change.get("pod") or {})
    template["metadata"] = merge(template["metadata"], change.get("metadata") or {})
    return made


def with_image(environment: Environment, image: str) -> dict[str, Any]:
    """Return the harmless Deployment with another image."""
    made = deployment(environment)
    made["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return made


def unsigned(environment: Environment) -> Sample:
    """Return what nobody can have signed: an image of a name that must be signed, and that is none."""
    name = environment.signatures[0].replace("*", "rampart-probe")
    return Sample(with_image(environment, f"{name.partition('@')[0]}@{DIGEST}"), refused=True)


def samples(guard: Guard) -> list[Sample]:
    """Return what a policy must refuse in its environment, and what it must accept."""
    policy = guard.policy
    environment = guard.environment
    accepted = [
        change
        for change in policy.accepted
        if change.get("unless", "") in ("", *environment.omit)
        # Another image would be one that nobody has signed.
        and not (environment.image and "image" in change)
    ]
    return [
        Sample(_HARMLESS[policy.kind](guard.environment), refused=False),
        *(Sample(changed(guard, change), refused=False) for change in accepted),
        *(Sample(changed(guard, change), refused=True) for change in policy.refused),
    ]


def refusal(guard: Guard) -> Sample:
    """Return one thing that a policy must refuse."""
    return next(each for each in samples(guard) if each.refused)
