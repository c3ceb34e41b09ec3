# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What makes pods, and how each of them can be brought to take a new secret. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import Workload, ended
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

# A change of the pod template makes new pods, one by one, by the workload's own rules.
ROLLS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})

# Of these ways a pod keeps for its whole life what it was given when it began.
FIXED = frozenset({"env", "envFrom", "subPath"})

# What some protocols begin with, before TLS; most begin with TLS at once.
BEFORE_TLS = ("", "postgresql")

RESTART, RELOAD, NEXT, NONE = "restart", "reload", "next run", "none"


@dataclass(frozen=True, slots=True)
class Hook:
    """Something to do in a pod: run a command, send a request, or look at its certificate."""

    command: tuple[str, ...] = ()
    container: str = ""
    method: str = "POST"
    path: str = ""
    port: int = 0
    scheme: str = "http"
    # Of a look at the certificate: what is spoken before TLS begins, if anything.
    certificate_after: str | None = None

    @property
    def is_request(self) -> bool:
        """Whether it is a request."""
        return bool(self.port) and not self.is_certificate

    @property
    def is_certificate(self) -> bool:
        """Whether it looks at a certificate."""
        return self.certificate_after is not None


@dataclass(frozen=True, slots=True)
class Way:
    """How a workload takes a new secret, and why so."""

    action: str
    reason: str
    hook: Hook | None = None


def hook(annotations: Mapping[str, str], name: str, where: str) -> tuple[bool, Hook | None]:
    """Read a hook from an annotation; return whether it is there, and the hook, if it says one.

    The text is JSON in the words of a pod's probes: ``{"exec": {"command": [...]}}``,
    ``{"httpGet": {"port": 8000, "path": "/-/reload"}}``, or ``{}`` for a program that watches its files. A
    server that is to be asked for its certificate says ``{"certificate": {"port": 5432}}``, and
    ``"after": "postgresql"`` where that is spoken before TLS.
    """
    text = annotations.get(name)
    if text is None:
        return False, None
    try:
        said = json.loads(text or "{}")
        if not said:
            return True, None
        made = _hook(said)
        if made.is_certificate and name == names.RELOAD:
            raise ValueError
        return True, made
    except (ValueError, KeyError, TypeError):
        raise RampartError(
            f"The annotation {name} of {where} says nothing that could be done.",
            next_step='write {"exec": {"command": [...]}}, {"httpPost": {"port": ..., "path": ...}} or {}',
        ) from None


def _hook(said: Mapping[str, Any]) -> Hook:
    ((kind, more),) = said.items()
    if kind == "exec":
        command = more["command"]
        if not command or not all(isinstance(word, str) for word in command):
            raise ValueError
        return Hook(command=tuple(command), container=str(more.get("container") or ""))
    if kind == "certificate":
        after = str(more.get("after") or "")
        if after not in BEFORE_TLS:
            raise ValueError
        return Hook(port=int(more["port"]), certificate_after=after)
    return Hook(
        method={"httpGet": "GET", "httpPost": "POST"}[kind],
        path="/" + str(more.get("path") or "").lstrip("/"),
        port=int(more["port"]),
        scheme=str(more.get("scheme") or "http").lower(),
    )


def annotations_of(one: Workload) -> Mapping[str, str]:
    """Return the annotations of a workload."""
    return (one.item.get("metadata") or {}).get("annotations") or {}


def template_annotations(one: Workload) -> Mapping[str, str]:
    """Return the annotations of a workload's pod template."""
    template = (one.item.get("spec") or {}).get("template") or {}
    return (template.get("metadata") or {}).get("annotations") or {}


def way(one: Workload, ways: Iterable[str] = ()) -> Way:
    """Say how a workload that uses a Secret in some ways is brought to take a new one."""
    declared, asked = hook(annotations_of(one), names.RELOAD, str(one))
    kind = one.kind.kind
    fixed = sorted(set(ways) & FIXED)
    if declared and not fixed and kind in (*ROLLS, "Pod", "ReplicaSet"):
        how = "is asked to load it" if asked else "loads it by itself"
        return Way(RELOAD, how, asked)
    if kind in ROLLS:
        update = (one.item.get("spec") or {}).get("updateStrategy") or {}
        if update.get("type") == "OnDelete":
            return Way(NONE, "its update strategy is OnDelete: its pods have to be deleted by hand")
        but = f", since what it reads by {' and '.join(fixed)} never changes in a pod" if declared else ""
        return Way(RESTART, f"its pods are replaced by a rollout{but}")
    if kind == "CronJob":
        return Way(NEXT, "its next run reads the new content")
    if kind == "Job":
        return Way(NONE, "a Job cannot be restarted by a controller; its pod keeps the old one to its end")
    if kind == "Pod":
        return Way(NONE, "a bare pod cannot be restarted by a controller")
    return Way(NONE, f"a {kind} does not replace its pods when its template changes")


def refuses(one: Workload) -> str:
    """Say why a rollout of a workload would never end, as far as this is known before it begins."""
    if (one.item.get("spec") or {}).get("paused"):
        return f"{one} is paused"
    if one.item["metadata"].get("deletionTimestamp"):
        return f"{one} is being deleted"
    return ""


def owners(live: Mapping[str, list[dict[str, Any]]]) -> dict[str, tuple[str, str]]:
    """Return kind and name of what each pod belongs to, by the pod's UID.

    Controllers are followed up to what rolls its pods out, or stands alone: from a pod over its ReplicaSet
    to the Deployment, over its Job to the CronJob. A bare pod belongs to itself.
    """
    known = {item["metadata"]["uid"]: (kind, item) for kind, items in live.items() for item in items}

    def top(kind: str, item: Mapping[str, Any]) -> tuple[str, str]:
        listed = item["metadata"].get("ownerReferences") or []
        above = next((owner for owner in listed if owner.get("controller")), None)
        if above is None or kind in ROLLS:
            return kind, str(item["metadata"]["name"])
        if above["uid"] in known:
            return top(*known[above["uid"]])
        return str(above["kind"]), str(above["name"])

    return {pod["metadata"]["uid"]: top("Pod", pod) for pod in live.get("Pod") or []}


def running_containers(pod: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the containers of a pod that run now."""
    status = pod.get("status") or {}
    return frozenset(
        str(container["name"])
        for section in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        for container in status.get(section) or []
        if (container.get("state") or {}).get("running")
    )


def alive(pod: Mapping[str, Any]) -> bool:
    """Say whether a pod may still use what it was given: it has not ended, even if it is about to."""
    return not ended(pod)
