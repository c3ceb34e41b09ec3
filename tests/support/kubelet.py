# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays the kubelet of a rig: real controllers make the pods, and this says of them what a node would."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterable
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._helm.needs import LABEL
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

READY = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "ContainersReady", "Ready")]
DIGEST = "sha256:" + "a" * 64


def container_status(container: dict[str, Any], state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": f"registry.local/a@{DIGEST}",
        "ready": "running" in state,
        "restartCount": 0,
        "state": state,
        **more,
    }


def report(pod: dict[str, Any], gone: Iterable[str]) -> dict[str, Any] | None:
    """Return the status of a pod; None for one that just goes on running."""
    (container, *_others) = pod["spec"]["containers"]
    state: dict[str, Any]
    command = " ".join(container.get("command") or [])
    if container["image"] in gone:
        state = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
        return {"phase": "Pending", "containerStatuses": [container_status(container, state)]}
    if LABEL in (pod["metadata"].get("labels") or {}):
        state = {"terminated": {"exitCode": 128, "reason": "StartError"}}
        return {"phase": "Failed", "containerStatuses": [container_status(container, state)]}
    if "exit 3" in command:
        ended: dict[str, Any] = {"terminated": {"exitCode": 3, "reason": "Error"}}
        state = {"waiting": {"reason": "CrashLoopBackOff"}}
        status = container_status(container, state, restartCount=1, lastState=ended)
        return {"phase": "Running", "containerStatuses": [status]}
    if "sleep" in command:
        return None
    if pod["spec"]["restartPolicy"] == "Never":
        state = {"terminated": {"exitCode": 0, "reason": "Completed"}}
        return {"phase": "Succeeded", "containerStatuses": [container_status(container, state)]}
    statuses = [container_status(each, {"running": {}}) for each in pod["spec"]["containers"]]
    return {"phase": "Running", "conditions": READY, "containerStatuses": statuses}


class Kubelet:
    """Reports on all pods of a rig while its block runs."""

    def __init__(self, kubeconfig: str, *, slowness: float = 0.0) -> None:
        self._client = Client(Connection(kubeconfig, api_timeout=36000), Redactor())
        self._over = threading.Event()
        # So many seconds after a pod was made, or up to that many, its node says something of it.
        self._slowness = slowness
        # Images that no node can have.
        self.gone: set[str] = set()
        # When a pod was last said to be ready.
        self.last_ready = 0.0

    def __enter__(self) -> Self:
        threading.Thread(target=self._work, daemon=True).start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._over.set()

    def _work(self) -> None:
        done: set[str] = set()
        for event in watching.follow(self._client, "/api/v1/pods", {}, time.monotonic() + 36000):
            if self._over.is_set():
                return
            for pod in event.objects:
                uid, metadata = pod["metadata"]["uid"], pod["metadata"]
                if event.type == "DELETED" or uid in done or metadata.get("deletionTimestamp"):
                    continue
                done.add(uid)
                status = report(pod, self.gone)
                if status is None:
                    continue
                delay = random.uniform(self._slowness / 2, self._slowness)  # noqa: S311
                threading.Timer(delay, self._say, (metadata, status)).start()

    def _say(self, metadata: dict[str, Any], status: dict[str, Any]) -> None:
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        with contextlib.suppress(RampartError):
            self._client.call("PATCH", path, body={"status": status}, content_type=MERGE)
            if status.get("conditions"):
                self.last_ready = time.monotonic()
