# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The policies as Kyverno's CEL types.

Each holds in one environment by its namespace's selector and has no match condition: Kyverno then serves
all policies of an environment by one webhook that is asked for this environment alone. Whatever else the
cluster runs, Kyverno's own namespace first of all, does not depend on Kyverno.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import expressions
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import (
    Environment,
    Guard,
    object_name,
)

API = "policies.kyverno.io/v1"

# Kyverno 1.19 asks for the end of an exception when it compiles a policy; neither its background scan nor its
# command line asks at all. So an exception hands its end over, and the policy asks, wherever it is evaluated.
_EXCEPTED = "exceptions.allowedValues.exists(until, time.now() < timestamp(until))"
_UNLESS = "variables.excepted || !variables.changed"

# By which everything that is enforced is found again.
ROLE = {"rampart.k8s/role": "admission-policies"}
LABELS = {"app.kubernetes.io/part-of": "rampart", "app.kubernetes.io/managed-by": "rampart", **ROLE}


def metadata(name: str, environment: Environment, policy: str, notes: dict[str, str]) -> dict[str, Any]:
    """Return what all policies carry, whoever enforces them."""
    labels = {**LABELS, "rampart.k8s/environment": environment.name, "rampart.k8s/policy": policy}
    return {"name": name, "labels": labels, "annotations": notes}


def notes(guard: Guard) -> dict[str, str]:
    """Return what a person reads about a policy."""
    policy = guard.policy
    made = {
        "policies.kyverno.io/title": policy.title,
        "policies.kyverno.io/category": policy.category,
        "policies.kyverno.io/severity": policy.severity,
    }
    return {**made, "rampart.k8s/controls": ", ".join(policy.controls)} if policy.controls else made


def validating(guard: Guard, action: str) -> dict[str, Any]:
    """Render a ValidatingPolicy."""
    return {
        "apiVersion": API,
        "kind": "ValidatingPolicy",
        "metadata": metadata(guard.name, guard.environment, guard.policy.name, notes(guard)),
        "spec": {
            "validationActions": [action, "Audit"],
            "failurePolicy": guard.environment.failure_policy,
            "evaluation": {"admission": {"enabled": True}, "background": {"enabled": True}},
            # One policy judges templates and pods alike; nothing has to be derived from it.
            "autogen": {"podControllers": {"controllers": []}},
            "matchConstraints": expressions.match(guard),
            "variables": [
                {"name": "excepted", "expression": _EXCEPTED},
                *expressions.variables(guard),
            ],
            "validations": [expressions.validation(rule, _UNLESS) for rule in guard.policy.rules],
        },
    }


def mutating(entry: Mapping[str, Any], environment: Environment) -> dict[str, Any]:
    """Render a MutatingPolicy: what a pod gets, when it is made, that says nothing about it."""
    about = {
        "policies.kyverno.io/title": entry["title"],
        "policies.kyverno.io/category": entry["category"],
    }
    return {
        "apiVersion": API,
        "kind": "MutatingPolicy",
        "metadata": metadata(object_name(environment, entry["name"]), environment, entry["name"], about),
        "spec": {
            # What is missing is then refused by the policies that demand it.
            "failurePolicy": "Ignore",
            "evaluation": {"admission": {"enabled": True}, "mutateExisting": {"enabled": False}},
            "autogen": {"podControllers": {"controllers": []}},
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": environment.namespace}},
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                    }
                ],
            },
            "mutations": [
                {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
                for expression in entry["mutations"]
            ],
        },
    }


def generating(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Render a GeneratingPolicy: what every new namespace gets, but for those that are named."""
    exempt = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(entry["exempt"])}
    opted_out = {"key": entry["opt_out"]["label"], "operator": "NotIn", "values": [entry["opt_out"]["value"]]}
    return {
        "apiVersion": API,
        "kind": "GeneratingPolicy",
        "metadata": {
            "name": f"rampart-{entry['name']}",
            "labels": {**LABELS, "rampart.k8s/policy": entry["name"]},
            "annotations": {
                "policies.kyverno.io/title": entry["title"],
                "policies.kyverno.io/category": entry["category"],
            },
        },
        "spec": {
            "evaluation": {
                # What is taken away comes back; what stood there before the policy is left alone.
                "synchronize": {"enabled": True},
                "generateExisting": {"enabled": False},
                "orphanDownstreamOnPolicyDelete": {"enabled": True},
            },
            "matchConstraints": {
                "namespaceSelector": {"matchExpressions": [exempt, opted_out]},
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["namespaces"],
                    }
                ],
            },
            "generate": [{"template": {"interpolate": "cel", "value": entry["template"]}}],
        },
    }
