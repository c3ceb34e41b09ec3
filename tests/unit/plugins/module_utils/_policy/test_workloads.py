# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._policy import workloads

OWNER = [{"kind": "Deployment", "name": "api", "controller": True}]


def item(name: str, **more: Any) -> dict[str, Any]:
    owners = more.pop("owners", [])
    return {"metadata": {"name": name, "ownerReferences": owners}, **more}


def test_what_something_else_makes_answers_for_nothing() -> None:
    live = {
        "Deployment": [item("api")],
        "ReplicaSet": [item("api-1", owners=OWNER), item("alone")],
        "Pod": [item("api-1-x", owners=OWNER), item("bare"), item("done", status={"phase": "Succeeded"})],
        "Job": [
            item("over", status={"conditions": [{"type": "Complete", "status": "True"}]}),
            item("going", status={"conditions": [{"type": "Suspended", "status": "True"}]}),
        ],
    }
    named = [str(workload) for workload in workloads.responsible(live)]
    assert named == ["Deployment api", "ReplicaSet alone", "Job going", "Pod bare"]


def test_an_owner_that_does_not_control_makes_nothing_anew() -> None:
    loose = item("bare", owners=[{"kind": "Node", "name": "n", "controller": False}])
    assert [each.name for each in workloads.responsible({"Pod": [loose]})] == ["bare"]


def test_the_pod_is_found_wherever_the_kind_keeps_it() -> None:
    spec: dict[str, Any] = {"containers": []}
    cron = item("night", spec={"jobTemplate": {"spec": {"template": {"spec": spec}}}})
    kinds = {kind.kind: kind for kind in workloads.KINDS}
    assert workloads.Workload(kinds["CronJob"], cron).pod_spec is spec
    assert workloads.Workload(kinds["Pod"], item("bare", spec=spec)).pod_spec is spec
    assert workloads.Workload(kinds["Job"], item("empty")).pod_spec == {}


def test_paths_are_those_of_the_api() -> None:
    kinds = {kind.kind: kind for kind in workloads.KINDS}
    assert kinds["Deployment"].path("dev", "api") == "/apis/apps/v1/namespaces/dev/deployments/api"
    assert kinds["Pod"].path("dev") == "/api/v1/namespaces/dev/pods"
