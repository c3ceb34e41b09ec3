# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's words are recorded from kube-apiserver 1.36.3."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify import admission
from ansible_collections.rampart.k8s.plugins.module_utils._verify.admission import Attempt
from ansible_collections.rampart.k8s.plugins.module_utils._verify.admission_operation import (
    compare,
    judge_deployment,
)
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Verdict

ENVIRONMENT: dict[str, Any] = {
    "namespace": "prod",
    "limit_range": {"max": {"cpu": "4", "memory": "8Gi"}},
    "quota": {"requests.cpu": "16", "requests.memory": "32Gi", "services.nodeports": "0"},
    "pod_security": {"level": "restricted"},
}
REFUSAL = 'pods "x" is forbidden: violates PodSecurity "restricted:v1.36": privileged'


def claims(environment: dict[str, Any]) -> list[str]:
    return [attempt.claim for attempt in admission.attempts(environment, "image")]


def test_everything_forbidden_is_tried_beside_a_harmless_twin() -> None:
    assert claims(ENVIRONMENT) == [
        "prod accepts a harmless pod",
        "prod refuses a privileged pod",
        "prod refuses a pod that runs as root",
        "prod refuses a pod that mounts the node's disk",
        "prod refuses a pod in the node's network",
        "prod refuses a container with 8 cpu",
        "prod refuses a container with 16Gi memory",
        "prod refuses a pod that asks for 5 times 4 cpu",
        "prod refuses a pod that asks for 5 times 8Gi memory",
        "prod refuses a Service that opens a port on every node",
    ]


def test_only_what_the_environment_forbids_is_tried() -> None:
    open_one = {
        **ENVIRONMENT,
        "quota": {"requests.cpu": "16000"},
        "limit_range": {"max": {"cpu": "1"}},
        "pod_security": {"level": "baseline"},
    }
    found = claims(open_one)
    assert "prod refuses a pod that runs as root" not in found
    assert not any("times" in claim or "every node" in claim for claim in found)
    assert claims({**open_one, "pod_security": {"level": "privileged"}})[1:] == [
        "prod refuses a container with 2 cpu"
    ]


def test_each_attempt_differs_from_the_twin() -> None:
    tries = admission.attempts(ENVIRONMENT, "image")
    bodies = [str(attempt.body) for attempt in tries]
    assert len(set(bodies)) == len(bodies)
    assert admission.harmless("prod", "image") == tries[0].body


def test_a_pod_over_the_quota_passes_the_limit_of_a_container() -> None:
    over = next(attempt for attempt in admission.over_quota(ENVIRONMENT, "image"))
    containers = over.body["spec"]["containers"]
    assert [each["resources"]["limits"]["cpu"] for each in containers] == ["4"] * 5
    assert len({each["name"] for each in containers}) == 5


def test_grants_are_tried_without_an_end_too_long_and_right() -> None:
    tries = list(admission.grants("prod", "rampart-break-glass", 168, datetime(2026, 11, 22, tzinfo=UTC)))
    ends = [attempt.body["metadata"]["annotations"].get("rampart.k8s/expires") for attempt in tries]
    assert ends == [None, "2026-11-30T00:00:00Z", "2026-11-25T12:00:00Z"]
    assert [bool(attempt.refusal) for attempt in tries] == [True, True, False]


@pytest.mark.parametrize(
    ("refusal", "code", "message", "verdict"),
    [
        ("violates PodSecurity", 403, REFUSAL, Verdict.HELD),
        ("violates PodSecurity", 201, "", Verdict.BROKEN),
        ("violates PodSecurity", 403, 'pods "x" is forbidden: exceeded quota: rampart', Verdict.VACUOUS),
        ("", 201, "", Verdict.HELD),
        ("", 403, REFUSAL, Verdict.BROKEN),
    ],
)
def test_a_refusal_counts_only_from_the_control_in_question(
    refusal: str, code: int, message: str, verdict: Verdict
) -> None:
    proof = compare(Attempt("claim", "/path", {}, refusal), code, message)
    assert proof.verdict is verdict
    assert proof.negative is bool(refusal)


def deployment(message: str) -> dict[str, Any]:
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    return {"status": {"conditions": [{"type": "Available", "status": "False"}, condition]}}


@pytest.mark.parametrize(
    ("item", "pods", "verdict"),
    [
        (deployment(REFUSAL), 0, Verdict.HELD),
        (deployment(REFUSAL), 1, Verdict.BROKEN),
        (deployment("exceeded quota"), 0, Verdict.VACUOUS),
        ({}, 0, Verdict.NOT_PROVEN),
    ],
)
def test_an_admitted_deployment_without_pods_is_a_refusal(
    item: dict[str, Any], pods: int, verdict: Verdict
) -> None:
    assert judge_deployment("claim", item, pods).verdict is verdict


def test_the_bad_template_is_of_a_kind_that_a_deployment_may_have() -> None:
    made = admission.bad_deployment("prod", "x", "image")
    spec = made["spec"]["template"]["spec"]
    assert "restartPolicy" not in spec
    assert "activeDeadlineSeconds" not in spec
    assert spec["containers"][0]["securityContext"]["privileged"] is True
    selector = made["spec"]["selector"]["matchLabels"]
    assert selector.items() <= made["spec"]["template"]["metadata"]["labels"].items()
