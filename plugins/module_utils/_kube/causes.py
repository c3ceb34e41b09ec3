# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Why pods cannot run, as soon as it is known. Pure functions over live objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Live = Mapping[str, Any]

# What the kubelet reports when waiting longer will not help: somebody has to change something.
HOPELESS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)

# An annotation of pods that end at their start while what they need is not there yet: how many restarts they
# are granted before CrashLoopBackOff counts. Whoever wrote the program knows that; nobody else can tell.
ALLOWED_RESTARTS = "rampart.k8s/allowed-restarts"

# A kubelet that has just started says this of every pod, until it has heard of the Services.
STARTING = "services have not yet been read at least once"

NEXT_STEPS = {
    "CrashLoopBackOff": "read the container's log (kubectl logs --previous)",
    "CreateContainerConfigError": "create the ConfigMap or Secret that it names",
    "ErrImageNeverPull": "load the image into the node, or allow pulling",
    "ErrImagePull": "load or push the image, or correct its name",
    "ImagePullBackOff": "load or push the image, or correct its name",
    "InvalidImageName": "correct the image's name",
}

WORKLOADS = frozenset(
    {("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "Job")}
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something cannot run, and in which container of which pod it shows."""

    reason: str
    sentence: str
    pod: str = ""
    container: str = ""

    @property
    def next_step(self) -> str:
        """What the person does about it."""
        return NEXT_STEPS.get(self.reason, "")


def pod_cause(pod: Live) -> Cause | None:
    """Return why a pod cannot run, or None while there is hope."""
    status, metadata = pod.get("status") or {}, pod.get("metadata") or {}
    if metadata.get("deletionTimestamp"):
        return None
    for section in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(section) or []:
            waiting = (container.get("state") or {}).get("waiting") or {}
            reason = str(waiting.get("reason") or "")
            if reason == "CrashLoopBackOff" and container.get("restartCount", 0) <= _allowed_restarts(
                metadata
            ):
                continue
            if reason in HOPELESS and STARTING not in str(waiting.get("message")):
                name, inside = str(metadata.get("name")), str(container.get("name"))
                where = f"container {inside} of Pod {name}"
                return Cause(reason, f"{where}: {reason}{_detail(waiting, container)}", name, inside)
    return None


def _allowed_restarts(metadata: Live) -> int:
    """Return what the annotation grants; what is no number grants nothing."""
    said = str((metadata.get("annotations") or {}).get(ALLOWED_RESTARTS, ""))
    return int(said) if said.isdecimal() else 0


def _detail(waiting: Live, container: Live) -> str:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    if waiting.get("reason") == "CrashLoopBackOff" and ended:
        said = f" ({ended['reason']})" if ended.get("reason") else ""
        times = container.get("restartCount", 0)
        return f", it ended with code {ended.get('exitCode')}{said} and was restarted {times} times"
    return f", {waiting['message']}" if waiting.get("message") else ""


def selects(selector: Live, labels: Mapping[str, str]) -> bool:
    """Say whether a label selector of a workload selects a pod."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for rule in selector.get("matchExpressions") or []:
        key, values = rule.get("key"), rule.get("values") or []
        holds = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not holds.get(rule.get("operator"), False):
            return False
    return True


def is_current(workload: Live, pod: Live, replica_set: Live | None) -> bool:
    """Say whether a pod is of the workload's newest revision; older ones may fail as they like."""
    metadata, status = workload.get("metadata") or {}, workload.get("status") or {}
    if (status.get("observedGeneration") or metadata.get("generation", 0)) < metadata.get("generation", 0):
        return False
    labels = (pod.get("metadata") or {}).get("labels") or {}
    annotations = metadata.get("annotations") or {}
    kind = workload.get("kind")
    if kind == "Deployment":
        revision = "deployment.kubernetes.io/revision"
        owned = ((replica_set or {}).get("metadata") or {}).get("annotations") or {}
        return revision in annotations and owned.get(revision) == annotations[revision]
    if kind == "StatefulSet":
        return bool(labels.get("controller-revision-hash") == status.get("updateRevision"))
    if kind == "DaemonSet":
        newest = annotations.get("deprecated.daemonset.template.generation")
        return newest is None or labels.get("pod-template-generation") == newest
    return True


def refused_pods(event: Live, uid: str) -> str | None:
    """Read an event that says why a controller may not create a workload's pods."""
    about = event.get("involvedObject") or {}
    if about.get("uid") == uid and event.get("reason") == "FailedCreate" and event.get("type") == "Warning":
        return str(event.get("message") or "FailedCreate")
    return None


def last_event(events: Iterable[Live]) -> str:
    """Return the newest event as a sentence, warnings before the rest."""

    def age(event: Live) -> tuple[bool, str]:
        series = event.get("series") or {}
        newest = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""
        return event.get("type") == "Warning", str(newest)

    found = max(events, key=age, default=None)
    return f"{found.get('reason')}: {found.get('message')}" if found else ""
