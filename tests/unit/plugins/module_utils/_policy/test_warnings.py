# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The headers are recorded from kube-apiserver 1.36.3."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._policy import warnings

TEMPLATE = (
    r'299 - "would violate PodSecurity \"restricted:v1.36\": allowPrivilegeEscalation != false (container '
    r"\"c\" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container "
    r'\"c\" must set securityContext.runAsNonRoot=true)"'
)
NAMESPACE = (
    r'299 - "existing pods in namespace \"dev\" violate the new PodSecurity enforce level '
    r'\"restricted:latest\"", 299 - "bare (and 2 other pods): allowPrivilegeEscalation != false, '
    r'seccompProfile", 299 - "other: host namespaces"'
)
REFUSAL = (
    'pods "x" is forbidden: violates PodSecurity "baseline:v1.36": privileged (container "c" must not set '
    "securityContext.privileged=true)"
)


def test_the_reason_of_a_template_is_the_servers() -> None:
    reason = warnings.of_template(warnings.parse(TEMPLATE))
    assert reason.startswith('allowPrivilegeEscalation != false (container "c" must set')
    assert reason.endswith("securityContext.runAsNonRoot=true)")


def test_a_refusal_counts_as_well() -> None:
    assert warnings.of_template([], REFUSAL).startswith("privileged (container")
    assert warnings.of_template([], 'pods "x" is forbidden: exceeded quota: rampart') == ""


def test_the_pods_of_a_namespace_are_named() -> None:
    assert warnings.of_namespace(warnings.parse(NAMESPACE)) == [
        "bare (and 2 other pods): allowPrivilegeEscalation != false, seccompProfile",
        "other: host namespaces",
    ]


def test_other_warnings_are_no_judgement() -> None:
    parsed = warnings.parse('299 - "policy/v1beta1 PodDisruptionBudget is deprecated, use policy/v1"')
    assert parsed == ["policy/v1beta1 PodDisruptionBudget is deprecated, use policy/v1"]
    assert warnings.of_template(parsed) == ""
    assert warnings.of_namespace(parsed) == []
    assert warnings.parse("") == []
