# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Those policies that are written in Rego too, as templates and constraints of OPA Gatekeeper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import Guard, Policy
from ansible_collections.rampart.k8s.plugins.module_utils._admission.exceptions import PolicyExemption
from ansible_collections.rampart.k8s.plugins.module_utils._admission.kyverno import LABELS, metadata, notes

TEMPLATES = "templates.gatekeeper.sh/v1"
CONSTRAINTS = "constraints.gatekeeper.sh/v1beta1"
TARGET = "admission.k8s.gatekeeper.sh"
_ACTIONS = {"Deny": "deny", "Warn": "warn"}
_KINDS = {
    "pods": [
        {"apiGroups": [""], "kinds": ["Pod"]},
        {"apiGroups": ["apps"], "kinds": ["Deployment", "StatefulSet", "DaemonSet"]},
        {"apiGroups": ["batch"], "kinds": ["Job", "CronJob"]},
    ],
    "ingresses": [{"apiGroups": ["networking.k8s.io"], "kinds": ["Ingress"]}],
}


def kind(policy: Policy) -> str:
    """Name the kind of a policy's constraints."""
    return "Rampart" + "".join(part.capitalize() for part in policy.name.split("-"))


def template(policy: Policy, rego: str, libraries: Sequence[str]) -> dict[str, Any]:
    """Render what a policy is, for all environments."""
    source = {"version": "v1", "rego": rego, "libs": list(libraries)}
    return {
        "apiVersion": TEMPLATES,
        "kind": "ConstraintTemplate",
        "metadata": {
            "name": kind(policy).lower(),
            "labels": {**LABELS, "rampart.k8s/policy": policy.name},
            "annotations": {"description": policy.title},
        },
        "spec": {
            "crd": {
                "spec": {
                    "names": {"kind": kind(policy)},
                    "validation": {
                        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                    },
                }
            },
            "targets": [{"target": TARGET, "code": [{"engine": "Rego", "source": source}]}],
        },
    }


def parameters(guard: Guard, exemptions: Sequence[PolicyExemption]) -> Mapping[str, Any]:
    """Return what the Rego of a policy reads in one environment."""
    excepted = [{"application": each.application, "until": each.until} for each in exemptions]
    return {**guard.parameters, "exceptions": excepted}


def constraint(guard: Guard, action: str, exemptions: Sequence[PolicyExemption] = ()) -> dict[str, Any]:
    """Render how a policy holds in one environment."""
    policy = guard.policy
    return {
        "apiVersion": CONSTRAINTS,
        "kind": kind(policy),
        "metadata": metadata(guard.name, guard.environment, policy.name, notes(guard)),
        "spec": {
            "enforcementAction": _ACTIONS[action],
            "match": {"namespaces": [guard.environment.namespace], "kinds": _KINDS[policy.kind]},
            "parameters": dict(parameters(guard, exemptions)),
        },
    }
