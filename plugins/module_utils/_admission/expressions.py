# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The expressions of a policy in CEL: the same text for Kyverno and for Kubernetes itself.

One policy judges pods and all that makes them, so its expressions read the variable ``pod`` wherever it
lies. What has not changed is not judged again: an object from before the policy can still be scaled,
labelled, and freed of its finalizers, and its pods are judged when they are made anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import Guard, Rule

_OPERATIONS = ["CREATE", "UPDATE"]
RESOURCE_RULES: dict[str, list[dict[str, Any]]] = {
    "pods": [
        {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": _OPERATIONS,
            "resources": ["pods", "pods/ephemeralcontainers"],
        },
        {
            "apiGroups": ["apps"],
            "apiVersions": ["v1"],
            "operations": _OPERATIONS,
            "resources": ["deployments", "statefulsets", "daemonsets"],
        },
        {
            "apiGroups": ["batch"],
            "apiVersions": ["v1"],
            "operations": _OPERATIONS,
            "resources": ["jobs", "cronjobs"],
        },
    ],
    "ingresses": [
        {
            "apiGroups": ["networking.k8s.io"],
            "apiVersions": ["v1"],
            "operations": _OPERATIONS,
            "resources": ["ingresses"],
        }
    ],
}


def template(of: str) -> str:
    """Find the pod in an object, or what it makes pods from."""
    # Of no declared type: the server checks an expression against each kind, jobTemplate is in one.
    return (
        f"dyn({of}.kind == 'Pod' ? dyn({of}) : {of}.kind == 'CronJob' ? "
        f"dyn({of}).spec.jobTemplate.spec.template : dyn({of}).spec.template)"
    )


_LABELS = "{of}.?metadata.?labels.orValue({{}})"
_COMPARED = {
    ("pods", "spec"): ("variables.pod", template("oldObject") + ".spec"),
    ("pods", "labels"): (
        _LABELS.format(of="variables.template"),
        _LABELS.format(of=template("oldObject")),
    ),
    ("ingresses", "spec"): ("dyn(object).spec", "dyn(oldObject).spec"),
}

# Of an object that is being made there is no old one: Kubernetes says null, Kyverno gives an empty one.
_NEW = "oldObject == null || !has(oldObject.kind)"

# For a policy that has conditions of its own.
CHANGED = f"{_NEW} || {template('object')}.spec != {template('oldObject')}.spec"

_LASTING = "variables.pod.containers + variables.pod.?initContainers.orValue([])"
_LISTS = {"containers": "variables.containers", "lasting_containers": "variables.lasting"}


def variables(guard: Guard) -> list[dict[str, str]]:
    """Return what the rules read, in the order in which it is computed."""
    policy = guard.policy
    new, old = _COMPARED[policy.kind, policy.compares]
    made = {}
    if policy.kind == "pods":
        made["template"] = template("object")
        made["pod"] = "variables.template.spec"
        scopes = {rule.scope for rule in policy.rules}
        if scopes & set(_LISTS):
            made["lasting"] = _LASTING
        if "containers" in scopes:
            made["containers"] = "variables.lasting + variables.pod.?ephemeralContainers.orValue([])"
    if guard.parameters:
        made["params"] = literal(guard.parameters)
    made["changed"] = f"{_NEW} || {new} != {old}"
    return [{"name": name, "expression": expression} for name, expression in made.items()]


def literal(data: Mapping[str, Any]) -> str:
    """Write data as CEL: what JSON can say, CEL says in the same words."""
    return json.dumps(data, sort_keys=True)


def validation(rule: Rule, unless: str = "!variables.changed") -> dict[str, str]:
    """Write one rule so that its refusal names the containers that break it."""
    if rule.scope == "object":
        return {"expression": f"{unless} || ({rule.expression})", "message": rule.message}
    names = f"{_LISTS[rule.scope]}.filter(c, !({rule.expression})).map(c, string(c.name))"
    return {
        "expression": f"{unless} || {_LISTS[rule.scope]}.all(c, {rule.expression})",
        "message": f"a container {rule.message}",
        "messageExpression": f"{names}.join(', ') + {json.dumps(': ' + rule.message)}",
    }


def match(guard: Guard) -> dict[str, Any]:
    """Say what is judged: some kinds, in the namespace of the environment alone."""
    return {
        # A label that the server keeps itself, so that nobody leaves by taking another one away.
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": guard.environment.namespace}},
        "resourceRules": RESOURCE_RULES[guard.policy.kind],
    }
