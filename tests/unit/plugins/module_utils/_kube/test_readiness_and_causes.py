# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube import causes
from ansible_collections.rampart.k8s.plugins.module_utils._kube.readiness import (
    FAILED,
    PROGRESSING,
    READY,
    by_condition,
    evaluate,
)


def live(api: str, kind: str, status: Any = None, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    meta = {"name": "x", "generation": 2, **metadata}
    return {"apiVersion": api, "kind": kind, "metadata": meta, "spec": spec or {}, "status": status or {}}


def conditions(*found: tuple[str, str] | tuple[str, str, str] | tuple[str, str, str, str]) -> dict[str, Any]:
    names = ("type", "status", "reason", "message")
    return {"conditions": [dict(zip(names, one, strict=False)) for one in found]}


def deployment(**status: Any) -> dict[str, Any]:
    return live("apps/v1", "Deployment", {"observedGeneration": 2, **status}, {"replicas": 3})


def stateful(status: Any, **spec: Any) -> dict[str, Any]:
    return live("apps/v1", "StatefulSet", {"observedGeneration": 2, **status}, {"replicas": 3, **spec})


ALL_READY = {"readyReplicas": 3, "updatedReplicas": 3, "currentRevision": "b", "updateRevision": "b"}
CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")

CASES = [
    (deployment(updatedReplicas=3, replicas=3, availableReplicas=3, readyReplicas=3), READY, "3 of 3"),
    (live("apps/v1", "Deployment", {"observedGeneration": 1}), PROGRESSING, "has not seen the last change"),
    (live("apps/v1", "Deployment"), PROGRESSING, "has not seen it yet"),
    (deployment(updatedReplicas=1), PROGRESSING, "1 of 3 pods are of the new revision"),
    (deployment(updatedReplicas=3, replicas=4), PROGRESSING, "1 pods of an old revision"),
    (
        deployment(updatedReplicas=3, replicas=3, availableReplicas=2),
        PROGRESSING,
        "2 of 3 pods are available",
    ),
    (
        deployment(updatedReplicas=3, replicas=3, availableReplicas=3, readyReplicas=2),
        PROGRESSING,
        "2 of 3 pods are ready",
    ),
    (
        deployment(**conditions(("Progressing", "False", "ProgressDeadlineExceeded", "too slow"))),
        FAILED,
        "ProgressDeadlineExceeded: too slow",
    ),
    (
        deployment(**conditions(("ReplicaFailure", "True", "FailedCreate", "exceeded quota: q"))),
        FAILED,
        "refused: exceeded quota: q",
    ),
    (live("apps/v1", "Deployment", {"observedGeneration": 2}, {"paused": True}), PROGRESSING, "paused"),
    (live("apps/v1", "Deployment", {"observedGeneration": 2}, {"replicas": 0}), READY, "0 of 0"),
    (live("apps/v1", "ReplicaSet", {"observedGeneration": 2, "availableReplicas": 1}), READY, "1 of 1"),
    (
        live(
            "apps/v1",
            "ReplicaSet",
            {"observedGeneration": 2, **conditions(("ReplicaFailure", "True", "", "no"))},
        ),
        FAILED,
        "refused: no",
    ),
    (stateful(ALL_READY), READY, "3 of 3"),
    (stateful({**ALL_READY, "readyReplicas": 2}), PROGRESSING, "2 of 3 pods are ready"),
    (stateful({**ALL_READY, "updatedReplicas": 2}), PROGRESSING, "2 of 3 pods are of the new revision"),
    (stateful({**ALL_READY, "currentRevision": "a"}), PROGRESSING, "not the current one"),
    (
        stateful({**ALL_READY, "updatedReplicas": 1}, updateStrategy={"rollingUpdate": {"partition": 2}}),
        READY,
        "3 of 3",
    ),
    (stateful({"readyReplicas": 3}, updateStrategy={"type": "OnDelete"}), READY, "3 of 3"),
    (
        live(
            "apps/v1",
            "DaemonSet",
            {
                "observedGeneration": 2,
                "desiredNumberScheduled": 2,
                "updatedNumberScheduled": 2,
                "numberAvailable": 2,
            },
        ),
        READY,
        "2 of 2 nodes",
    ),
    (
        live("apps/v1", "DaemonSet", {"observedGeneration": 2, "desiredNumberScheduled": 2}),
        PROGRESSING,
        "0 of 2 nodes run the new revision",
    ),
    (
        live(
            "apps/v1",
            "DaemonSet",
            {"observedGeneration": 2, "desiredNumberScheduled": 2},
            {"updateStrategy": {"type": "OnDelete"}},
        ),
        PROGRESSING,
        "available on 0 of 2",
    ),
    (live("batch/v1", "Job", conditions(("Complete", "True"))), READY, "complete"),
    (
        live("batch/v1", "Job", conditions(("Failed", "True", "BackoffLimitExceeded", "6 tries"))),
        FAILED,
        "BackoffLimitExceeded: 6 tries",
    ),
    (
        live("batch/v1", "Job", conditions(("FailureTarget", "True", "PodFailurePolicy"))),
        FAILED,
        "PodFailure",
    ),
    (live("batch/v1", "Job", conditions(("Suspended", "True"))), PROGRESSING, "suspended"),
    (live("batch/v1", "Job", {"active": 1}, {"completions": 2}), PROGRESSING, "0 of 2 pods succeeded, 1 run"),
    (live("v1", "Pod", {"phase": "Running", **conditions(("Ready", "True"))}), READY, "ready"),
    (live("v1", "Pod", {"phase": "Succeeded"}), READY, "succeeded"),
    (live("v1", "Pod", {"phase": "Failed", "reason": "Evicted"}), FAILED, "Evicted"),
    (
        live("v1", "Pod", conditions(("PodScheduled", "False", "Unschedulable", "0/1 nodes"))),
        PROGRESSING,
        "not scheduled (Unschedulable: 0/1 nodes)",
    ),
    (live("v1", "Pod", {"phase": "Pending"}), PROGRESSING, "Pending"),
    (
        live(
            "v1",
            "Pod",
            {"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ErrImageNeverPull"}}}]},
        ),
        FAILED,
        "ErrImageNeverPull",
    ),
    (live("v1", "PersistentVolumeClaim", {"phase": "Bound"}), READY, "Bound"),
    (live("v1", "PersistentVolumeClaim", {"phase": "Pending"}), PROGRESSING, "Pending"),
    (live("v1", "PersistentVolumeClaim", {"phase": "Lost"}), FAILED, "lost"),
    (live("v1", "Namespace", {"phase": "Active"}), READY, "Active"),
    (
        live("v1", "Namespace", {"phase": "Terminating"}, deletionTimestamp="t", finalizers=["a/b"]),
        PROGRESSING,
        "being deleted, held by a/b",
    ),
    (live("v1", "Node", conditions(("Ready", "True"))), READY, "Ready is True"),
    (live("v1", "Node", conditions(("Ready", "False", "KubeletNotReady", "cni"))), PROGRESSING, "cni"),
    (live("v1", "Service", spec={"type": "ClusterIP"}), READY, "nothing"),
    (live("v1", "Service", spec={"type": "LoadBalancer"}), PROGRESSING, "no address"),
    (
        live("v1", "Service", {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}, {"type": "LoadBalancer"}),
        READY,
        "address",
    ),
    (live(*CRD, conditions(("NamesAccepted", "True"), ("Established", "True"))), READY, "Established"),
    (live(*CRD, conditions(("NamesAccepted", "False", "Conflict", "taken"))), FAILED, "taken"),
    (live(*CRD), PROGRESSING, "no condition Established"),
    (live("apiregistration.k8s.io/v1", "APIService", conditions(("Available", "True"))), READY, "Available"),
    (live("example.com/v1", "Widget"), READY, "exists"),
    (live("example.com/v1", "Widget", {"observedGeneration": 1}), PROGRESSING, "last change"),
    (live("example.com/v1", "Widget", conditions(("Ready", "False", "Slow"))), PROGRESSING, "Slow"),
    (live("example.com/v1", "Widget", conditions(("Ready", "True"))), READY, "Ready is True"),
    (live("example.com/v1", "Widget", conditions(("Stalled", "True", "Broken"))), FAILED, "Broken"),
    (live("example.com/v1", "Widget", conditions(("Reconciling", "True"))), PROGRESSING, "reconciled"),
]


EXCEEDED = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
REFUSED = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}


@pytest.mark.parametrize(
    ("said", "noted", "subresource", "phase"),
    [
        (EXCEEDED, "2026-11-28T04:49:34Z", "", PROGRESSING),
        (EXCEEDED, "2026-11-28T04:49:35Z", "", PROGRESSING),
        (EXCEEDED, "2026-11-28T04:50:05Z", "", FAILED),
        (EXCEEDED, "2026-11-28T04:49:34Z", "scale", FAILED),
        (REFUSED, "2026-11-28T04:49:34Z", "", PROGRESSING),
        (REFUSED, "2026-11-28T04:49:35Z", "", FAILED),
        (REFUSED, "2026-11-28T04:49:34Z", "scale", FAILED),
    ],
)
def test_what_was_said_of_the_spec_before_is_not_said_of_this_one(
    said: dict[str, Any], noted: str, subresource: str, phase: str
) -> None:
    found = deployment(updatedReplicas=2, replicas=4, availableReplicas=3, readyReplicas=3)
    found["status"]["conditions"] = [{**said, "lastUpdateTime": noted}]
    written = {"time": "2026-11-28T04:49:35Z", "fieldsV1": {"f:spec": {}}, "subresource": subresource}
    status = {"time": "2026-11-28T04:59:00Z", "fieldsV1": {"f:status": {}}, "subresource": "status"}
    found["metadata"]["managedFields"] = [written, status]
    assert evaluate(found).phase == phase


def test_refused_pods_of_an_old_revision_do_not_matter_when_the_new_one_is_there() -> None:
    found = deployment(updatedReplicas=3, replicas=3, availableReplicas=3, readyReplicas=3)
    found["status"]["conditions"] = [REFUSED]
    assert evaluate(found).ready


@pytest.mark.parametrize(("found", "phase", "said"), CASES)
def test_an_object_is_judged_by_the_rule_of_its_kind(found: dict[str, Any], phase: str, said: str) -> None:
    state = evaluate(found)
    assert state.phase == phase
    assert said in state.message


def test_a_named_condition_decides_in_place_of_the_rule() -> None:
    widget = live("example.com/v1", "Widget", conditions(("Ready", "False"), ("Issued", "True")))
    assert by_condition(widget, "Issued").ready
    assert not by_condition(widget, "Ready").ready
    assert by_condition(widget, "Ready", "False").ready
    assert "no condition Other" in by_condition(widget, "Other").message
    widget["status"]["observedGeneration"] = 1
    assert not by_condition(widget, "Issued").ready


def pod(reason: str, *, section: str = "containerStatuses", **more: Any) -> dict[str, Any]:
    container = {"name": "main", "state": {"waiting": {"reason": reason, "message": "said"}}, **more}
    return {"metadata": {"name": "p"}, "status": {section: [container]}}


def test_hopeless_pods_are_told_apart_from_starting_ones() -> None:
    assert causes.pod_cause(pod("ImagePullBackOff")) == causes.Cause(
        "ImagePullBackOff", "container main of Pod p: ImagePullBackOff, said", "p", "main"
    )
    assert causes.pod_cause(pod("CreateContainerConfigError", section="initContainerStatuses"))

    assert causes.pod_cause(pod("ContainerCreating")) is None
    assert causes.pod_cause({"metadata": {}, "status": {}}) is None
    leaving = pod("ImagePullBackOff")
    leaving["metadata"]["deletionTimestamp"] = "t"
    assert causes.pod_cause(leaving) is None


def test_a_kubelet_that_has_just_started_is_given_time() -> None:
    starting = pod("CreateContainerConfigError")
    waiting = starting["status"]["containerStatuses"][0]["state"]["waiting"]
    waiting["message"] = "services have not yet been read at least once, cannot construct envvars"
    assert causes.pod_cause(starting) is None


def test_a_crash_is_told_with_its_code() -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    cause = causes.pod_cause(pod("CrashLoopBackOff", lastState=ended, restartCount=2))
    assert cause is not None
    assert cause.sentence.endswith("it ended with code 137 (OOMKilled) and was restarted 2 times")


@pytest.mark.parametrize(
    ("granted", "restarts", "hopeless"),
    [("2", 1, False), ("2", 2, False), ("2", 3, True), ("many", 1, True), ("-1", 1, True), ("", 1, True)],
)
def test_a_pod_that_may_crash_at_its_start_is_given_that_many_restarts(
    granted: str, restarts: int, hopeless: bool
) -> None:
    crashing = pod("CrashLoopBackOff", restartCount=restarts)
    crashing["metadata"]["annotations"] = {causes.ALLOWED_RESTARTS: granted}
    assert (causes.pod_cause(crashing) is not None) is hopeless
    # It is about crashes; an image that is missing stays missing.
    missing = pod("ImagePullBackOff", restartCount=restarts)
    missing["metadata"]["annotations"] = {causes.ALLOWED_RESTARTS: granted}
    assert causes.pod_cause(missing) is not None


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Unknown"}]}, False),
    ],
)
def test_selectors_select(selector: dict[str, Any], selected: bool) -> None:
    assert causes.selects(selector, {"a": "1"}) is selected


REVISION = "deployment.kubernetes.io/revision"


def test_a_failing_pod_of_an_old_revision_is_no_failure() -> None:
    found = live("apps/v1", "Deployment", {"observedGeneration": 2}, annotations={REVISION: "4"})
    old, new = ({"metadata": {"annotations": {REVISION: number}}} for number in ("3", "4"))
    assert causes.is_current(found, {}, new)
    assert not causes.is_current(found, {}, old)
    assert not causes.is_current(found, {}, None)
    found["status"]["observedGeneration"] = 1
    assert not causes.is_current(found, {}, new)


def test_revisions_of_other_kinds() -> None:
    def labelled(**labels: str) -> dict[str, Any]:
        return {"metadata": {"labels": {name.replace("_", "-"): value for name, value in labels.items()}}}

    stateful_set = stateful({"updateRevision": "b"})
    assert causes.is_current(stateful_set, labelled(controller_revision_hash="b"), None)
    assert not causes.is_current(stateful_set, labelled(controller_revision_hash="a"), None)
    daemon_set = live("apps/v1", "DaemonSet", annotations={"deprecated.daemonset.template.generation": "2"})
    assert causes.is_current(daemon_set, labelled(pod_template_generation="2"), None)
    assert not causes.is_current(daemon_set, labelled(pod_template_generation="1"), None)
    assert causes.is_current(live("batch/v1", "Job"), {}, None)


def test_events_tell_who_was_refused_and_what_came_last() -> None:
    event = {
        "type": "Warning",
        "reason": "FailedCreate",
        "message": "exceeded quota",
        "involvedObject": {"uid": "u"},
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    assert causes.refused_pods(event, "u") == "exceeded quota"
    assert causes.refused_pods(event, "other") is None
    newer = {"type": "Normal", "reason": "Pulled", "message": "x", "lastTimestamp": "2026-01-02T00:00:00Z"}
    assert causes.last_event([newer, event]) == "FailedCreate: exceeded quota"
    assert causes.last_event([]) == ""
