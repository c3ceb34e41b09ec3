# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The last lines of a container's log, without the secrets that its pod was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import presentable
from ansible_collections.rampart.k8s.plugins.module_utils._helm.manifests import references
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import secret_values
from ansible_collections.rampart.k8s.plugins.module_utils._kube.status import ApiError

LINES = 10
WITHHELD = ["withheld: the Secrets that the pod was given cannot be read, so they could not be taken out"]


def tail(client: Client, redactor: Redactor, namespace: str, pod: str, container: str) -> list[str]:
    """Return the last lines of a container, of its run before when it has just been started again."""
    live = client.find(f"/api/v1/namespaces/{namespace}/pods/{pod}", target=f"Pod {namespace}/{pod}")
    if live is None:
        return []
    if not learn(client, redactor, live):
        return WITHHELD
    statuses = live.get("status") or {}
    states = [
        status
        for section in ("initContainerStatuses", "containerStatuses")
        for status in statuses.get(section) or []
        if status.get("name") == container
    ]
    waiting = any((status.get("state") or {}).get("waiting") for status in states)
    before = waiting and any(status.get("restartCount") for status in states)
    query: dict[str, Any] = {"container": container, "tailLines": LINES, "previous": str(before).lower()}
    answer = client.transport.send(
        "GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query=query, accept="*/*", once=True
    )
    if answer.status >= 300:
        return []
    text = redactor.text(answer.body.decode("utf-8", errors="replace"))
    return [presentable(line) for line in text.splitlines() if line.strip()]


def learn(client: Client, redactor: Redactor, pod: Mapping[str, Any]) -> bool:
    """Teach the redactor every Secret that a pod is given; False when one of them cannot be read."""
    namespace = pod["metadata"]["namespace"]
    for kind, name in sorted(references(pod.get("spec") or {}, optional=True)):
        if kind != "Secret":
            continue
        try:
            secret = client.find(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        except ApiError:
            return False
        if secret is not None:
            redactor.add(*secret_values({"apiVersion": "v1", "kind": "Secret", **secret}))
    return True
