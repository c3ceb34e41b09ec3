# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Is this object ready, still on its way, or failed? The rules of kstatus, as pure functions.

The rules follow sigs.k8s.io/cli-utils (kstatus) and ``kubectl rollout status``: what a controller
has not observed yet is never ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube import causes

READY, PROGRESSING, FAILED = "ready", "progressing", "failed"

Live = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """The verdict and what it rests on."""

    phase: str
    message: str

    @property
    def ready(self) -> bool:
        """Whether the wait is over, well."""
        return self.phase == READY

    @property
    def failed(self) -> bool:
        """Whether waiting longer is of no use."""
        return self.phase == FAILED


def evaluate(live: Live) -> State:
    """Judge an object by the rules of its kind, or by its conditions when the kind is unknown."""
    metadata, status = live.get("metadata") or {}, live.get("status") or {}
    if metadata.get("deletionTimestamp"):
        held = ", ".join(metadata.get("finalizers") or []) or "its grace period"
        return State(PROGRESSING, f"is being deleted, held by {held}")
    observed = status.get("observedGeneration")
    if observed is not None and observed < metadata.get("generation", 0):
        return State(PROGRESSING, "its controller has not seen the last change yet")
    rule = _RULES.get((_group(live), live.get("kind", "")), _generic)
    return rule(live)


def condition(live: Live, kind: str) -> Mapping[str, Any]:
    """Return a condition of an object, empty when it has none of this type."""
    for found in (live.get("status") or {}).get("conditions") or []:
        if found.get("type") == kind:
            return dict(found)
    return {}


def by_condition(live: Live, kind: str, wanted: str = "True") -> State:
    """Judge an object by one condition that the caller names."""
    observed = (live.get("status") or {}).get("observedGeneration")
    if observed is not None and observed < (live.get("metadata") or {}).get("generation", 0):
        return State(PROGRESSING, "its controller has not seen the last change yet")
    found = condition(live, kind)
    if found.get("status") == wanted:
        return State(READY, f"{kind} is {wanted}")
    if not found:
        return State(PROGRESSING, f"it has no condition {kind} yet")
    return State(PROGRESSING, f"{kind} is {found.get('status')}{_why(found)}")


def finished(live: Live) -> State:
    """Judge an object by whether it has done its work: a pod that runs has not, however ready it is."""
    state = evaluate(live)
    if (_group(live), live.get("kind")) == ("", "Pod") and state.ready:
        phase = (live.get("status") or {}).get("phase")
        return state if phase == "Succeeded" else State(PROGRESSING, "it is still running")
    return state


def _group(live: Live) -> str:
    return str(live.get("apiVersion", "")).rpartition("/")[0]


def _why(found: Mapping[str, Any]) -> str:
    said = ": ".join(str(found[name]) for name in ("reason", "message") if found.get(name))
    return f" ({said})" if said else ""


def _unobserved(live: Live) -> State | None:
    """Return a verdict for kinds whose controller always notes the generation it has seen."""
    if (live.get("status") or {}).get("observedGeneration") is None:
        return State(PROGRESSING, "its controller has not seen it yet")
    return None


def _precedes_spec(live: Live, found: Mapping[str, Any], *, at_once: bool = False) -> bool:
    """Say whether a condition was noted before the spec was written last: then it is about an earlier one.

    The controller of Deployments says that it has seen a spec before it takes back that the last one failed.
    Both times are whole seconds; only what can happen at once is about the spec that was written in the same.
    """
    written = max(
        (
            str(entry.get("time") or "")
            for entry in live["metadata"].get("managedFields") or []
            if not entry.get("subresource") and "f:spec" in (entry.get("fieldsV1") or {})
        ),
        default="",
    )
    noted = str(found.get("lastUpdateTime") or "~")
    return bool(written) and (noted < written or (noted == written and not at_once))


def _deployment(live: Live) -> State:
    if unseen := _unobserved(live):
        return unseen
    spec, status = live.get("spec") or {}, live.get("status") or {}
    progressing = condition(live, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded" and not _precedes_spec(live, progressing):
        return State(FAILED, f"ProgressDeadlineExceeded: {progressing.get('message', '')}")
    wanted = spec.get("replicas", 1)
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    failure = condition(live, "ReplicaFailure")
    # Pods of an old revision that were refused do not matter once all of the new one are there.
    if (
        failure.get("status") == "True"
        and updated < wanted
        and not _precedes_spec(live, failure, at_once=True)
    ):
        return State(FAILED, f"its pods are refused: {failure.get('message', '')}")
    if spec.get("paused"):
        return State(PROGRESSING, "it is paused")
    available = status.get("availableReplicas", 0)
    if updated < wanted:
        return State(PROGRESSING, f"{updated} of {wanted} pods are of the new revision")
    if total > updated:
        return State(PROGRESSING, f"{total - updated} pods of an old revision still run")
    if available < updated:
        return State(PROGRESSING, f"{available} of {wanted} pods are available")
    if status.get("readyReplicas", 0) < wanted:
        return State(PROGRESSING, f"{status.get('readyReplicas', 0)} of {wanted} pods are ready")
    return State(READY, f"{wanted} of {wanted} pods are available")


def _replica_set(live: Live) -> State:
    if unseen := _unobserved(live):
        return unseen
    failure = condition(live, "ReplicaFailure")
    if failure.get("status") == "True":
        return State(FAILED, f"its pods are refused: {failure.get('message', '')}")
    wanted = (live.get("spec") or {}).get("replicas", 1)
    available = (live.get("status") or {}).get("availableReplicas", 0)
    return State(READY if available >= wanted else PROGRESSING, f"{available} of {wanted} pods are available")


def _stateful_set(live: Live) -> State:
    if unseen := _unobserved(live):
        return unseen
    spec, status = live.get("spec") or {}, live.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    if strategy.get("type") == "OnDelete":
        return State(READY if ready >= wanted else PROGRESSING, f"{ready} of {wanted} pods are ready")
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    updated = status.get("updatedReplicas", 0)
    if ready < wanted:
        return State(PROGRESSING, f"{ready} of {wanted} pods are ready")
    if updated < wanted - partition:
        return State(PROGRESSING, f"{updated} of {wanted - partition} pods are of the new revision")
    if not partition and wanted and status.get("currentRevision") != status.get("updateRevision"):
        return State(PROGRESSING, "the new revision is not the current one yet")
    return State(READY, f"{ready} of {wanted} pods are ready")


def _daemon_set(live: Live) -> State:
    if unseen := _unobserved(live):
        return unseen
    status = live.get("status") or {}
    wanted = status.get("desiredNumberScheduled", 0)
    on_delete = ((live.get("spec") or {}).get("updateStrategy") or {}).get("type") == "OnDelete"
    updated = wanted if on_delete else status.get("updatedNumberScheduled", 0)
    available = status.get("numberAvailable", 0)
    if updated < wanted:
        return State(PROGRESSING, f"{updated} of {wanted} nodes run the new revision")
    if available < wanted:
        return State(PROGRESSING, f"it is available on {available} of {wanted} nodes")
    return State(READY, f"it is available on {available} of {wanted} nodes")


def _job(live: Live) -> State:
    for kind in ("Failed", "FailureTarget"):
        failure = condition(live, kind)
        if failure.get("status") == "True":
            return State(FAILED, f"it failed{_why(failure)}")
    if condition(live, "Complete").get("status") == "True":
        return State(READY, "it is complete")
    if condition(live, "Suspended").get("status") == "True":
        return State(PROGRESSING, "it is suspended")
    status = live.get("status") or {}
    return State(
        PROGRESSING,
        f"{status.get('succeeded', 0)} of {(live.get('spec') or {}).get('completions') or 1} pods succeeded, "
        f"{status.get('active', 0)} run, {status.get('failed', 0)} failed",
    )


def _pod(live: Live) -> State:
    status = live.get("status") or {}
    phase = status.get("phase")
    if phase == "Succeeded":
        return State(READY, "it has succeeded")
    if phase == "Failed":
        said = ": ".join(str(status[name]) for name in ("reason", "message") if status.get(name))
        return State(FAILED, f"it has failed{f' ({said})' if said else ''}")
    ready = condition(live, "Ready")
    if ready.get("status") == "True":
        return State(READY, "it is ready")
    if cause := causes.pod_cause(live):
        return State(FAILED, cause.sentence)
    scheduled = condition(live, "PodScheduled")
    if scheduled.get("status") == "False":
        return State(PROGRESSING, f"it is not scheduled{_why(scheduled)}")
    return State(PROGRESSING, f"it is {phase or 'new'}{_why(ready)}")


def _claim(live: Live) -> State:
    phase = (live.get("status") or {}).get("phase")
    if phase == "Lost":
        return State(FAILED, "its volume is lost")
    return State(READY if phase == "Bound" else PROGRESSING, f"it is {phase or 'new'}")


def _namespace(live: Live) -> State:
    phase = (live.get("status") or {}).get("phase")
    return State(READY if phase == "Active" else PROGRESSING, f"it is {phase or 'new'}")


def _crd(live: Live) -> State:
    names = condition(live, "NamesAccepted")
    if names.get("status") == "False":
        return State(FAILED, f"its names are not accepted{_why(names)}")
    return by_condition(live, "Established")


def _service(live: Live) -> State:
    spec = live.get("spec") or {}
    if spec.get("type") != "LoadBalancer":
        return State(READY, "it needs nothing")
    given = ((live.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    return State(READY, "it has an address") if given else State(PROGRESSING, "it has no address yet")


def _generic(live: Live) -> State:
    """Judge a kind that nobody told us about, as kstatus does."""
    stalled = condition(live, "Stalled")
    if stalled.get("status") == "True":
        return State(FAILED, f"it is stalled{_why(stalled)}")
    reconciling = condition(live, "Reconciling")
    if reconciling.get("status") == "True":
        return State(PROGRESSING, f"it is being reconciled{_why(reconciling)}")
    ready = condition(live, "Ready")
    if ready and ready.get("status") != "True":
        return State(PROGRESSING, f"Ready is {ready.get('status')}{_why(ready)}")
    return State(READY, "Ready is True" if ready else "it exists")


_RULES: dict[tuple[str, str], Callable[[Live], State]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Namespace"): _namespace,
    ("", "Service"): _service,
    ("", "Node"): lambda live: by_condition(live, "Ready"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _crd,
    ("apiregistration.k8s.io", "APIService"): lambda live: by_condition(live, "Available"),
}
