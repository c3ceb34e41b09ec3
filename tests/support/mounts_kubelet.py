# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for a kubelet where none runs: pods become ready, hold what their Secrets held when they began,
and a shell in them shows it. Everything else (ReplicaSets, rollouts, pods' ends) is the real controllers'."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import places, references
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import Executed

from tests.rig import Rig

READY = [
    {"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
]

Content = dict[str, bytes]


class Kubelet:
    """Runs the pods of one namespace."""

    def __init__(self, rig: Rig, namespace: str, *, healthy: Callable[[dict[str, Any]], bool] | None = None):
        self.namespace = namespace
        # By the pod's name: the contents of its Secrets.
        self.held: dict[str, dict[str, Content]] = {}
        self.specs: dict[str, dict[str, Any]] = {}
        # Whether mounted files are written anew when a pod is changed.
        self.refreshes = False
        # How long a pod takes to become ready.
        self.delay = 0.0
        self._client = Client(Connection(str(rig.kubeconfig), api_timeout=3600), Redactor(), workers=16)
        self._healthy = healthy or (lambda _pod: True)
        self._ended = False
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Kubelet:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._ended = True

    @property
    def _root(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}"

    def _work(self) -> None:
        # The API server goes when the tests are over.
        with contextlib.suppress(RampartError):
            self._follow()

    def _follow(self) -> None:
        for event in watching.follow(self._client, f"{self._root}/pods", {}, time.monotonic() + 3600):
            if self._ended:
                return
            for pod in event.objects:
                name = pod["metadata"]["name"]
                if event.type == "DELETED":
                    self.held.pop(name, None)
                elif name not in self.held and not (pod.get("status") or {}).get("containerStatuses"):
                    self._start(pod)
                elif self.refreshes and name in self.held:
                    self.held[name] = self._contents(pod)

    def _contents(self, pod: dict[str, Any]) -> dict[str, Content]:
        found = {}
        for name in {reference.secret for reference in references(pod["spec"])}:
            item = self._client.find(f"{self._root}/secrets/{name}") or {}
            found[name] = {key: base64.b64decode(value) for key, value in item.get("data", {}).items()}
        return found

    def _start(self, pod: dict[str, Any]) -> None:
        name = pod["metadata"]["name"]
        self.specs[name] = pod["spec"]
        self.held[name] = self._contents(pod)
        time.sleep(self.delay)
        ready = self._healthy(pod)
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        state = (
            {"running": {"startedAt": started}}
            if ready
            else {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
        )
        status = {
            "phase": "Running",
            "conditions": READY if ready else [{**READY[3], "status": "False"}],
            "startTime": started,
            "containerStatuses": [
                {
                    "name": container["name"],
                    "ready": ready,
                    "restartCount": 0 if ready else 3,
                    "image": container["image"],
                    "imageID": "",
                    "state": state,
                }
                for container in pod["spec"]["containers"]
            ],
        }
        try:
            self._client.call(
                "PATCH", f"{self._root}/pods/{name}/status", body={"status": status}, content_type=MERGE
            )
        except RampartError:
            # It was deleted meanwhile.
            self.held.pop(name, None)

    def shell(self, _client: Client) -> PodShell:
        """Return what takes the place of the real shell."""
        return PodShell(self)


class PodShell:
    """Answers the one question that a rotation asks in a pod."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet
        self.looks = 0

    def run(
        self,
        _namespace: str,
        pod: str,
        _container: str,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 30.0,
    ) -> Executed:
        """Hash what is at the places that are asked for."""
        self.looks += 1
        key = stdin.strip()
        lines = []
        for place in argv[4:]:
            kind, _colon, where = place.partition(":")
            value = self._value(pod, where)
            lines.append(hashlib.sha256(key + value + (b"" if kind == "file" else b"\n")).hexdigest() + "  -")
        return Executed(0, "\n".join(lines).encode() + b"\n", b"")

    def _value(self, pod: str, where: str) -> bytes:
        held, spec = self._kubelet.held.get(pod, {}), self._kubelet.specs.get(pod, {})
        running = frozenset(container["name"] for container in spec.get("containers", ()))
        for secret, content in held.items():
            for place in places(spec, secret, content, running=running):
                if place.where == where:
                    return content[place.key]
        return b""
