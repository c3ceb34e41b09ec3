# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify import access
from ansible_collections.rampart.k8s.plugins.module_utils._verify.access import Identity, Rbac, matrix
from ansible_collections.rampart.k8s.plugins.module_utils._verify.access_operation import compare
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Verdict

READ_PODS = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}
OPERATORS = {"kind": "Group", "name": "operators"}
ROBOT = {"kind": "ServiceAccount", "name": "robot", "namespace": "dev"}


def role(kind: str, name: str, *rules: dict[str, Any], namespace: str = "") -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, "rules": list(rules)}


def binding(
    kind: str, ref: str, *subjects: dict[str, str], namespace: str = "", to: str = "Role"
) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": ref, "namespace": namespace},
        "roleRef": {"kind": to, "name": ref},
        "subjects": list(subjects),
    }


DEFINITION = [
    role("Role", "reader", READ_PODS, namespace="dev"),
    binding("RoleBinding", "reader", OPERATORS, ROBOT, namespace="dev"),
    role("ClusterRole", "auditor", {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}),
    binding("ClusterRoleBinding", "auditor", {"kind": "User", "name": "ana"}, to="ClusterRole"),
]


@pytest.mark.parametrize(
    ("rule", "action", "allowed"),
    [
        (READ_PODS, ("", "pods", "get"), True),
        (READ_PODS, ("", "pods/log", "get"), True),
        (READ_PODS, ("", "pods/exec", "get"), False),
        (READ_PODS, ("", "pods", "delete"), False),
        (READ_PODS, ("apps", "pods", "get"), False),
        (
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
            ("apps", "deployments/scale", "patch"),
            True,
        ),
        (
            {"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["get"]},
            ("apps", "a/scale", "get"),
            True,
        ),
        ({"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["get"]}, ("apps", "a", "get"), False),
        ({**READ_PODS, "resourceNames": ["one"]}, ("", "pods", "get"), False),
        ({"nonResourceURLs": ["/healthz"], "verbs": ["get"]}, ("", "pods", "get"), False),
    ],
)
def test_rules_decide_as_the_authorizer_does(
    rule: dict[str, Any], action: tuple[str, str, str], allowed: bool
) -> None:
    assert access.rule_allows(rule, *action) is allowed


def test_a_role_ends_at_its_namespace_and_a_cluster_role_does_not() -> None:
    rbac = Rbac(DEFINITION)
    operator, ana = Identity.of(OPERATORS), Identity.of({"kind": "User", "name": "ana"})
    assert rbac.allowed(operator, "dev", ("", "pods", "get"))
    assert not rbac.allowed(operator, "prod", ("", "pods", "get"))
    assert not rbac.allowed(operator, access.CLUSTER, ("", "pods", "get"))
    assert rbac.allowed(ana, "prod", ("", "nodes", "list"))


def test_a_cluster_role_bound_in_a_namespace_holds_there_only() -> None:
    rbac = Rbac(
        [
            role("ClusterRole", "reader", READ_PODS),
            binding("RoleBinding", "reader", ROBOT, namespace="dev", to="ClusterRole"),
        ]
    )
    robot = Identity.of(ROBOT)
    assert rbac.allowed(robot, "dev", ("", "pods", "list"))
    assert not rbac.allowed(robot, "prod", ("", "pods", "list"))


def test_accounts_of_one_name_in_two_namespaces_are_two() -> None:
    other = Identity.of({**ROBOT, "namespace": "prod"})
    assert not Rbac(DEFINITION).allowed(other, "dev", ("", "pods", "get"))


def test_a_group_of_accounts_means_each_of_them() -> None:
    everybody = {"kind": "Group", "name": "system:serviceaccounts:dev"}
    rbac = Rbac(
        [
            role("Role", "reader", READ_PODS, namespace="dev"),
            binding("RoleBinding", "reader", everybody, namespace="dev"),
        ]
    )
    assert rbac.allowed(Identity.of(ROBOT), "dev", ("", "pods", "get"))


def test_verbs_that_always_go_together_are_asked_once() -> None:
    asked = Rbac(DEFINITION).actions()
    assert ("", "pods", "get") in asked
    assert ("", "pods", "list") not in asked
    split = [*DEFINITION, role("Role", "lister", {**READ_PODS, "verbs": ["list"]}, namespace="dev")]
    assert ("", "pods", "list") in Rbac(split).actions()


def test_the_matrix_asserts_both_answers_for_everybody() -> None:
    bystander = {"kind": "ServiceAccount", "name": "default", "namespace": "dev"}
    cells = matrix(DEFINITION, ["dev", "prod"], [bystander])
    answers = {
        (cell.identity.label, cell.namespace, cell.resource, cell.verb): cell.allowed for cell in cells
    }
    assert answers["group operators", "dev", "pods", "get"] is True
    assert answers["group operators", "prod", "pods", "get"] is False
    assert answers["group operators", "kube-system", "pods", "get"] is False
    assert answers["group operators", "dev", "secrets", "get"] is False
    assert answers["group operators", "", "users", "impersonate"] is False
    assert answers["user ana", "", "nodes", "list"] is True
    assert answers["user ana", "", "clusterrolebindings", "create"] is False
    assert answers["serviceaccount dev/default", "dev", "secrets", "list"] is False
    assert answers["somebody unknown", "prod", "pods", "create"] is False
    assert answers["anybody who is logged in", "", "*", "*"] is False
    assert len(set(cells)) == len(cells)


def test_a_question_is_asked_as_the_api_wants_it() -> None:
    cell = access.Cell(Identity.of(ROBOT), "dev", "", "pods/exec", "create", False)
    assert cell.review()["spec"] == {
        "user": "system:serviceaccount:dev:robot",
        "groups": ["system:serviceaccounts", "system:serviceaccounts:dev", "system:authenticated"],
        "resourceAttributes": {
            "namespace": "dev",
            "verb": "create",
            "resource": "pods",
            "subresource": "exec",
        },
    }
    everywhere = access.Cell(access.ANONYMOUS, "", "apps", "deployments", "list", False)
    assert "namespace" not in everywhere.review()["spec"]["resourceAttributes"]
    assert str(everywhere) == "somebody unknown list deployments.apps everywhere"


@pytest.mark.parametrize(
    ("wanted", "answered", "verdict"),
    [
        (True, True, Verdict.HELD),
        (False, False, Verdict.HELD),
        (False, True, Verdict.BROKEN),
        (True, False, Verdict.BROKEN),
    ],
)
def test_any_other_answer_than_the_definitions_is_a_violation(
    wanted: bool, answered: bool, verdict: Verdict
) -> None:
    cell = access.Cell(Identity.of(ROBOT), "dev", "", "pods", "get", wanted)
    proof = compare(cell, {"allowed": answered, "reason": "RBAC: allowed by RoleBinding x"})
    assert proof.verdict is verdict
    assert proof.negative is not wanted
    assert ("RoleBinding x" in proof.observed) is (verdict is Verdict.BROKEN)
