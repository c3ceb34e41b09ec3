# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is drift, what was left over, what somebody added, and what is none of these."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._helm import drift, fields
from ansible_collections.rampart.k8s.plugins.module_utils._helm.drift import Rule
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref

from tests.support.helm import deployment, live

SPEC = ("spec", "template", "spec")


def names(wanted: dict[str, Any], found: dict[str, Any], *rules: Rule) -> list[str]:
    return drift.changed(wanted, found, rules)[1]


def container(item: dict[str, Any], position: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = item["spec"]["template"]["spec"]["containers"][position]
    return found


def test_defaults_of_the_server_are_no_drift() -> None:
    assert names(deployment(), live(deployment())) == []


def test_a_list_of_items_is_compared_item_by_item() -> None:
    found = live(deployment())
    injected = {"name": "proxy", "image": "registry.local/proxy:1"}
    found["spec"]["template"]["spec"]["containers"].insert(0, injected)
    assert names(deployment(), found) == []
    container(found, 1)["env"][0]["value"] = "debug"
    assert names(deployment(), found) == ["spec.template.spec.containers[name=main].env[name=LEVEL].value"]


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        ({"a": None}, {}, True),
        ({"a": {}}, {}, True),
        ({"a": []}, {}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, False),
        ({"a": [{"x": 1}]}, {"a": [{"x": 1, "y": 2}]}, True),
        ({"ports": [{"port": 53, "protocol": "UDP"}]}, {"ports": [{"port": 53}]}, False),
        ({"ports": [{"port": 80}]}, {"ports": [{"port": 80, "protocol": "TCP"}]}, True),
    ],
)
def test_small_things(wanted: Any, found: Any, same: bool) -> None:
    assert (list(fields.differences(wanted, found)) == []) is same


def test_what_is_ignored_is_no_drift() -> None:
    found = live(deployment())
    found["spec"]["replicas"] = 5
    assert names(deployment(), found) == ["spec.replicas"]
    assert names(deployment(), found, Rule(kind="Deployment", path="/spec/replicas")) == []
    assert names(deployment(), found, Rule(path="/spec")) == []
    assert names(deployment(), found, Rule(kind="StatefulSet", path="/spec/replicas")) == ["spec.replicas"]
    assert names(deployment(), found, Rule()) == ["spec.replicas"]


def owned(manager: str, sets: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsV1": sets, **more}


ADDED_VARIABLE: dict[str, Any] = {
    "f:spec": {
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"main"}': {
                        "f:env": {'k:{"name":"EVIL"}': {".": {}, "f:name": {}, "f:value": {}}},
                        "f:image": {},
                    }
                }
            }
        }
    }
}


def touched(manager: str, **more: str) -> dict[str, Any]:
    found = live(deployment())
    container(found)["env"].append({"name": "EVIL", "value": "1"})
    found["metadata"]["managedFields"] = [owned(manager, ADDED_VARIABLE, **more)]
    return found


def test_what_somebody_added_is_told_with_who_did_it() -> None:
    (found,) = drift.foreign(deployment(), touched("kubectl-edit"), ())
    assert str(found) == (
        "Deployment dev/a has spec.template.spec.containers[name=main].env[name=EVIL] that kubectl-edit added"
    )
    rules = [Rule(manager="kubectl-*")]
    assert list(drift.foreign(deployment(), touched("kubectl-edit"), rules)) == []


@pytest.mark.parametrize(
    ("manager", "more"),
    [
        ("helm", {}),
        ("kube-controller-manager", {}),
        ("rampart-config", {}),
        ("kubectl", {"subresource": "status"}),
    ],
)
def test_what_belongs_there_is_not_foreign(manager: str, more: dict[str, str]) -> None:
    assert list(drift.foreign(deployment(), touched(manager, **more), ())) == []


@pytest.mark.parametrize("annotations", [None, {"other": "1"}])
def test_a_restart_by_kubectl_is_not_foreign(annotations: dict[str, str] | None) -> None:
    wanted = deployment()
    if annotations:
        wanted["spec"]["template"]["metadata"]["annotations"] = annotations
    found = live(wanted)
    stamp = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    found["spec"]["template"]["metadata"]["annotations"] = {**(annotations or {}), **stamp}
    fields: dict[str, Any] = {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}
    sets = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": fields}}}}
    found["metadata"]["managedFields"] = [owned("kubectl-rollout", sets)]
    assert list(drift.foreign(wanted, found, ())) == []
    found["spec"]["template"]["metadata"]["annotations"]["evil"] = "1"
    sets["f:spec"]["f:template"]["f:metadata"]["f:annotations"] = {**fields, "f:evil": {}}
    assert len(list(drift.foreign(wanted, found, ()))) == 1


def test_who_changed_a_field_is_named() -> None:
    found = touched("kubectl-edit")
    path = (*SPEC, "containers", 0, "image")
    assert drift.writers(found, path) == ["kubectl-edit"]
    assert drift.writers(found, ("spec", "replicas")) == []


def failed_revision() -> dict[str, Any]:
    other = deployment()
    container(other)["env"].append({"name": "NEW", "value": "1"})
    other["spec"]["template"]["spec"]["containers"].append({"name": "sidecar", "image": "x"})
    other["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 5
    return other


def test_what_a_failed_revision_left_is_found_and_removed() -> None:
    other, found = failed_revision(), live(failed_revision())
    # What got its default back is no residue, although the failed revision set it too.
    found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 30
    (left,) = drift.left_fields(deployment(), found, [(3, other)], ())
    assert set(left.fields) == {
        "spec.template.spec.containers[name=main].env[name=NEW]",
        "spec.template.spec.containers[name=sidecar]",
    }
    patch = drift.removal(left, found)
    assert patch[0] == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert [step["path"] for step in patch[1:]] == [
        "/spec/template/spec/containers/1",
        "/spec/template/spec/containers/0/env/1",
    ]


def test_nothing_is_left_of_a_revision_that_was_undone_wholly() -> None:
    assert list(drift.left_fields(deployment(), live(deployment()), [(3, failed_revision())], ())) == []


def test_objects_that_only_another_revision_made_are_residue() -> None:
    more: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "more", "namespace": "dev"},
    }
    kept = copy.deepcopy(more)
    kept["metadata"] |= {"name": "kept", "annotations": {"helm.sh/resource-policy": "keep"}}
    wanted = [Ref.of(deployment())]
    assert drift.left_objects(wanted, [(3, [deployment(), more, kept])]) == {Ref.of(more): 3}
    assert drift.is_of_release(live(deployment()), "a", "dev")
    assert not drift.is_of_release(live(deployment()), "b", "dev")
