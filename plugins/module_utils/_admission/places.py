# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Where the API server keeps policies, exceptions and what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission.gatekeeper import CONSTRAINTS
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import Admission

_KYVERNO = "/apis/policies.kyverno.io/v1"
_KUBERNETES = "/apis/admissionregistration.k8s.io/v1"
_COLLECTIONS = {
    "ValidatingPolicy": f"{_KYVERNO}/validatingpolicies",
    "ImageValidatingPolicy": f"{_KYVERNO}/imagevalidatingpolicies",
    "PolicyException": f"{_KYVERNO}/namespaces/{{}}/policyexceptions",
    "ValidatingAdmissionPolicy": f"{_KUBERNETES}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{_KUBERNETES}/validatingadmissionpolicybindings",
}


def collection(item: Mapping[str, Any]) -> str:
    """Return where objects like this one are."""
    if item["apiVersion"] == CONSTRAINTS:
        return f"/apis/{CONSTRAINTS}/{item['kind'].lower()}"
    return _COLLECTIONS[item["kind"]].format(item["metadata"].get("namespace", ""))


def path(item: Mapping[str, Any]) -> str:
    """Return where one object is."""
    return f"{collection(item)}/{item['metadata']['name']}"


def judges(admission: Admission) -> list[str]:
    """Return where the policies of an engine are that judge objects."""
    if admission.engine == "kyverno":
        return [_COLLECTIONS["ValidatingPolicy"], _COLLECTIONS["ImageValidatingPolicy"]]
    if admission.engine == "kubernetes":
        return [_COLLECTIONS["ValidatingAdmissionPolicy"]]
    kinds = {guard.policy.name.replace("-", "") for guard in admission.guards if guard.policy.rego}
    return [f"/apis/{CONSTRAINTS}/rampart{kind}" for kind in sorted(kinds)]


def others(admission: Admission) -> list[str]:
    """Return where an engine keeps what it does besides judging."""
    if admission.engine != "kyverno":
        return []
    kinds = ("mutatingpolicies", "generatingpolicies", "policyexceptions")
    return [f"{_KYVERNO}/{kind}" for kind in kinds]
