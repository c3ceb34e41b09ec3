# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The policies as ValidatingAdmissionPolicies, which the API server enforces by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import exceptions, expressions
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import Guard
from ansible_collections.rampart.k8s.plugins.module_utils._admission.exceptions import PolicyExemption
from ansible_collections.rampart.k8s.plugins.module_utils._admission.kyverno import metadata, notes

API = "admissionregistration.k8s.io/v1"


def validating(guard: Guard, action: str, exemptions: Sequence[PolicyExemption] = ()) -> list[dict[str, Any]]:
    """Render a policy and its binding."""
    about = metadata(guard.name, guard.environment, guard.policy.name, notes(guard))
    policy = {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": about,
        "spec": {
            "failurePolicy": guard.environment.failure_policy,
            "matchConstraints": expressions.match(guard),
            "matchConditions": exceptions.conditions(exemptions, exceptions.BIRTH),
            "variables": expressions.variables(guard),
            "validations": [expressions.validation(rule) for rule in guard.policy.rules],
        },
    }
    binding = {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": guard.name, "labels": about["labels"]},
        "spec": {"policyName": guard.name, "validationActions": [action, "Audit"]},
    }
    return [policy, binding]
