# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks a release whether it does its work: over HTTP, by a connection, by gRPC, or by a command in a pod."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import presentable
from ansible_collections.rampart.k8s.plugins.module_utils._helm import grpc_health
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.readiness import condition
from ansible_collections.rampart.k8s.plugins.module_utils._kube.status import parse
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import (
    PortForward,
    TunnelError,
    execute,
)

# Endpoints of a Service follow its pods within a second.
PAUSE = 0.5
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Probed:
    """What came out of one probe."""

    name: str
    passed: bool
    tries: int
    why: str = ""

    def as_result(self) -> dict[str, Any]:
        return {"name": self.name, "passed": self.passed, "tries": self.tries, "reason": self.why}


def name_of(probe: Mapping[str, Any]) -> str:
    """Say what a probe asks."""
    whom = probe.get("service") or ",".join(
        f"{key}={value}" for key, value in sorted(probe["selector"].items())
    )
    if probe["type"] == "command":
        return f"command {probe['command'][0]} in {whom}"
    where = f"{whom}:{probe['port']}"
    return f"http {where}{probe['path']}" if probe["type"] == "http" else f"{probe['type']} {where}"


class Prober:
    """Probes the releases of one namespace."""

    def __init__(self, client: Client, redactor: Redactor, namespace: str) -> None:
        self._client = client
        self._redactor = redactor
        self._namespace = namespace

    def run(self, probe: Mapping[str, Any]) -> Probed:
        """Ask until the answer is right, as often as the probe says."""
        why = ""
        for number in range(1, probe["tries"] + 1):
            try:
                why = self._ask(probe)
            except TunnelError as error:
                why = error.message
            if not why:
                return Probed(name_of(probe), True, number)
            if number < probe["tries"]:
                time.sleep(PAUSE)
        return Probed(name_of(probe), False, probe["tries"], presentable(self._redactor.text(why)))

    def run_at(self, probe: Mapping[str, Any], labels: Mapping[str, str]) -> Probed:
        """Ask only pods with these labels, by the ports that the Service leads to."""
        own = {**probe, "service": None, "selector": labels}
        if probe["type"] == "http" and probe["service"]:
            own["port"] = self._target_port(probe, labels)
        return self.run(own)

    def _target_port(self, probe: Mapping[str, Any], labels: Mapping[str, str]) -> int:
        """Return the port of the pods behind a port of the Service, which may be called by its name there."""
        service = self._client.get(f"/api/v1/namespaces/{self._namespace}/services/{probe['service']}")
        wanted = [each for each in service["spec"].get("ports") or [] if each["port"] == probe["port"]]
        target = (wanted[0].get("targetPort") if wanted else None) or probe["port"]
        if isinstance(target, int):
            return target
        for pod in self._pods(labels):
            for container in pod["spec"]["containers"]:
                for port in container.get("ports") or []:
                    if port.get("name") == target:
                        return int(port["containerPort"])
        return int(probe["port"])

    def _pods(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        path = f"/api/v1/namespaces/{self._namespace}/pods"
        return self._client.list_all(path, query={"labelSelector": selector})[0]

    def _ask(self, probe: Mapping[str, Any]) -> str:
        """Ask once; return what is wrong with the answer."""
        if probe["type"] == "http":
            return self._http(probe)
        pod = self._pod(probe)
        if not pod:
            return "no pod of it is ready"
        if probe["type"] == "command":
            done = execute(
                self._client.credentials,
                self._namespace,
                pod,
                probe["container"],
                probe["command"],
                seconds=probe["seconds"],
            )
            if done.code:
                return f"it ended with code {done.code}: {(done.said.strip() or done.refused)[-SHOWN:]}"
            return self._compare(probe, done.said)
        with PortForward(
            self._client.credentials, self._namespace, pod, probe["port"], seconds=probe["seconds"]
        ) as stream:
            if probe["type"] == "grpc":
                said = grpc_health.check(stream, probe["grpc_service"])
                return "" if said == "SERVING" else f"it is {said}"
            return _connected(stream)

    def _http(self, probe: Mapping[str, Any]) -> str:
        kind, name = ("services", probe["service"]) if probe["service"] else ("pods", self._pod(probe))
        if not name:
            return "no pod of it is ready"
        target = quote(f"{probe['scheme']}:{name}:{probe['port']}", safe=":")
        path = f"/api/v1/namespaces/{self._namespace}/{kind}/{target}/proxy/{probe['path'].lstrip('/')}"
        with self._client.transport.within(probe["seconds"]):
            try:
                answer = self._client.transport.send("GET", path, accept="*/*", once=True)
            except RampartError as error:
                return error.message
        text = answer.body.decode("utf-8", errors="replace")
        if answer.status in probe["status"]:
            return self._compare(probe, text)
        told = parse(answer.status, answer.body)
        said = str(told.get("message") or "") if told.get("reason") else text
        return f"it answered {answer.status}: {said.strip()[:SHOWN]}"

    @staticmethod
    def _compare(probe: Mapping[str, Any], text: str) -> str:
        if probe["body"] and not re.search(probe["body"], text):
            return f"its answer does not match {probe['body']!r}"
        return ""

    def _pod(self, probe: Mapping[str, Any]) -> str:
        """Return a ready pod of what is probed."""
        labels = probe["selector"]
        root = f"/api/v1/namespaces/{self._namespace}"
        if probe["service"]:
            service = self._client.get(f"{root}/services/{probe['service']}")
            labels = service["spec"].get("selector") or {}
        if not labels:
            return ""
        ready = [
            pod["metadata"]["name"]
            for pod in self._pods(labels)
            if condition(pod, "Ready").get("status") == "True"
        ]
        return str(ready[0]) if ready else ""


def _connected(stream: PortForward) -> str:
    """Say whether somebody listens: the node tells of a refusal at once, and of a connection nothing."""
    try:
        stream.patience(1.0)
        stream.read()
    except TunnelError as error:
        return "" if error.silent else error.message
    return ""
