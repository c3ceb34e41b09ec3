# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is live, as if it were made now; and which webhooks would lock a cluster out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._admission.kyverno_proofs import locks
from ansible_collections.rampart.k8s.plugins.module_utils._admission.reports import findings
from ansible_collections.rampart.k8s.plugins.module_utils._admission.twins import INGRESS, twin
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS, POD, Kind, Workload

TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a"}]}}


def live(kind: Kind, spec: dict[str, Any]) -> Workload:
    metadata = {
        "name": "a",
        "namespace": "prod",
        "uid": "1",
        "resourceVersion": "5",
        "labels": {"app": "a"},
        "ownerReferences": [],
    }
    return Workload(kind, {"metadata": metadata, "spec": spec, "status": {"replicas": 3}})


def of(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.kind == name)


def test_a_twin_is_new_and_says_the_same() -> None:
    made = twin(live(of("Deployment"), {"replicas": 3, "template": TEMPLATE}), "prod")
    assert made.path == "/apis/apps/v1/namespaces/prod/deployments"
    assert made.body == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"generateName": "rampart-twin-", "labels": {"app": "a"}},
        "spec": {"replicas": 3, "template": TEMPLATE},
    }


def test_a_pod_is_not_bound_to_its_node() -> None:
    made = twin(live(POD, {"nodeName": "node", "containers": []}), "prod")
    assert made.body["spec"] == {"containers": []}


@pytest.mark.parametrize("kind", ["ReplicaSet", "ReplicationController"])
def test_what_no_policy_judges_by_itself_is_judged_as_a_deployment(kind: str) -> None:
    made = twin(live(of(kind), {"replicas": 2, "selector": {"app": "a"}, "template": TEMPLATE}), "prod")
    assert made.body["kind"] == "Deployment"
    assert made.body["spec"] == {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "a"}},
        "template": TEMPLATE,
    }


def test_a_job_leaves_behind_what_its_controller_wrote() -> None:
    labels = {"app": "a", "controller-uid": "1", "batch.kubernetes.io/job-name": "a"}
    template = {"metadata": {"labels": labels}, "spec": TEMPLATE["spec"]}
    made = twin(live(of("Job"), {"selector": {"matchLabels": labels}, "template": template}), "prod")
    assert "selector" not in made.body["spec"]
    assert made.body["spec"]["template"]["metadata"]["labels"] == {"app": "a"}


def test_an_ingress_is_judged_too() -> None:
    made = twin(live(INGRESS, {"rules": []}), "prod")
    assert made.path == "/apis/networking.k8s.io/v1/namespaces/prod/ingresses"


def webhook(selector: dict[str, Any], *resources: str, failure: str = "Fail") -> dict[str, Any]:
    return {
        "failurePolicy": failure,
        "namespaceSelector": selector,
        "rules": [{"resources": list(resources)}],
    }


NAME = "kubernetes.io/metadata.name"


@pytest.mark.parametrize(
    ("found", "locked"),
    [
        (webhook({}, "pods"), True),
        (webhook({}, "*"), True),
        (webhook({}, "pods", failure="Ignore"), False),
        (webhook({}, "validatingpolicies"), False),
        (webhook({"matchLabels": {NAME: "prod"}}, "pods"), False),
        (webhook({"matchLabels": {NAME: "kyverno"}}, "pods"), True),
        (webhook({"matchLabels": {"team": "a"}}, "pods"), True),
        (
            webhook(
                {"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": ["kyverno"]}]}, "pods"
            ),
            False,
        ),
        (webhook({"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": ["a"]}]}, "pods"), True),
        (webhook({"matchExpressions": [{"key": NAME, "operator": "In", "values": ["a"]}]}, "pods"), False),
    ],
)
def test_a_webhook_that_locks_its_own_namespace_out_is_found(found: dict[str, Any], locked: bool) -> None:
    assert locks(found, ("kyverno",)) is locked


def test_reports_of_other_policies_are_none_of_ours() -> None:
    results = [
        {"policy": "rampart-prod-labels", "result": "fail", "message": "labels"},
        {"policy": "somebody-else", "result": "fail", "message": "no"},
        {"policy": "rampart-prod-image-tags", "result": "pass"},
    ]
    report = {"scope": {"namespace": "prod", "kind": "Pod", "name": "a"}, "results": results}
    found = findings([report], {"rampart-prod-labels": "labels", "rampart-prod-image-tags": "image-tags"})
    assert [(each["policy"], each["result"]) for each in found] == [
        ("labels", "fail"),
        ("image-tags", "pass"),
    ]
