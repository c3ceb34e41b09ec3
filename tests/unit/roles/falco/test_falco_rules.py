# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the role, rendered from its variables, and whether Falco would take them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._falco.compile import Compiled, compiled
from ansible_collections.rampart.k8s.plugins.module_utils._incident.severity import OF_PRIORITY

from tests.support.falco_rules import rendered
from tests.unit.collection import load

SYSCALL, AUDIT = "syscall", "k8s_audit"


def both(**changed: Any) -> Compiled:
    """Compile both files."""
    return compiled([(name, rendered(name, **changed)) for name in (SYSCALL, AUDIT)])


def test_falco_takes_all_of_them_and_warns_of_none() -> None:
    result = both()
    assert [str(each) for each in result.findings.all] == []
    assert result.counts["rules"] == len(load("roles/falco/vars/main/rules.yml")["__falco_priorities"])


def test_each_priority_is_one_that_an_incident_knows() -> None:
    rules = both().rules
    assert {str(each["priority"]).lower() for each in rules} <= OF_PRIORITY.keys()
    assert {str(each["rule"]): each["priority"] for each in rules} == load("roles/falco/vars/main/rules.yml")[
        "__falco_priorities"
    ]


def test_each_alert_of_a_container_names_its_pod() -> None:
    for each in both().rules:
        if each["source"] == SYSCALL:
            assert "%k8s.ns.name" in each["output"]
            assert "%k8s.pod.name" in each["output"]


@pytest.mark.parametrize(
    "changed",
    [
        {"falco_workloads": []},
        {"falco_networks": []},
        {"falco_audit_secret_readers": [], "falco_audit_rbac_users": [], "falco_audit_anonymous_paths": []},
        {"falco_audit_privileged_namespaces": []},
        {
            "falco_workloads": [
                {"pods": "a b", "namespaces": ["x"], "processes": ["my prog"], "token_readers": ["t"]}
            ]
        },
        {
            "falco_workloads": [
                {"pods": "a", "processes": ["p"], "connects": [{"networks": ["192.0.2.0/24"]}]}
            ]
        },
    ],
)
def test_falco_takes_them_whatever_is_expected(changed: dict[str, Any]) -> None:
    assert [str(each) for each in both(**changed).findings.of("error")] == []


def test_what_is_expected_of_a_workload_stands_in_its_rule() -> None:
    workload = {"pods": "mail-", "namespaces": ["prod"], "processes": ["smtpd"], "token_readers": ["smtpd"]}
    rules = {
        str(each["rule"]): str(each["condition"]) for each in both(falco_more_workloads=[workload]).rules
    }
    expected = "(k8s.pod.name startswith mail- and k8s.ns.name in (prod) and proc.name in (smtpd))"
    for rule in (
        "Program that nobody expects",
        "Shell in a container",
        "Mounted secret read by another program",
        "Service account token read by another program",
    ):
        assert expected in rules[rule]


def test_a_rule_is_turned_off_and_has_another_priority_by_its_name() -> None:
    result = both(
        falco_disabled_rules=["Shell in a container"], falco_priorities={"Rights changed": "Critical"}
    )
    rules = {each["rule"]: each["priority"] for each in result.rules}
    assert "Shell in a container" not in rules
    assert rules["Rights changed"] == "Critical"
