# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Who watches the nodes of a cluster, and why somebody who watches is not heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects

NODES = "/api/v1/nodes"
# So much of the end of a detector's log is looked through.
LINES = 400


@dataclass(frozen=True, slots=True)
class Detector:
    """Who watches one node, and what is wrong with it."""

    node: str
    namespace: str = ""
    pod: str = ""
    container: str = ""
    trouble: str = ""


def nodes(client: Client) -> list[str]:
    """Return the nodes that pods can be put on."""
    found, _version = client.list_all(NODES)
    return sorted(
        (item["metadata"].get("labels") or {}).get("kubernetes.io/hostname", item["metadata"]["name"])
        for item in found
        if not (item.get("spec") or {}).get("unschedulable")
    )


def find(client: Client, namespace: str, selector: str) -> list[Detector]:
    """Return for each node who watches it."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    found, _version = client.list_all(path, query={"labelSelector": selector})
    by_node = {(item.get("spec") or {}).get("nodeName"): item for item in found}
    absent = f"no pod with {selector} in the namespace {namespace} runs there"
    return [
        of_pod(node, by_node[node]) if node in by_node else Detector(node, trouble=absent)
        for node in nodes(client)
    ]


def of_pod(node: str, item: Mapping[str, Any]) -> Detector:
    """Judge one pod by its own conditions."""
    metadata, status = item["metadata"], item.get("status") or {}
    name = f"Pod {metadata['namespace']}/{metadata['name']}"
    ready = any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in status.get("conditions") or []
    )
    trouble = "" if ready else f"{name} is not ready: {objects.trouble(item) or 'it sees no events'}"
    container = item["spec"]["containers"][0]["name"]
    return Detector(node, metadata["namespace"], metadata["name"], container, trouble)


def why_silent(client: Client, detector: Detector, rule: str, pod: str) -> str:
    """Say whether the detector raised the alert at all, by its own log."""
    path = f"/api/v1/namespaces/{detector.namespace}/pods/{detector.pod}"
    name = f"Pod {detector.namespace}/{detector.pod}"
    item = client.find(path)
    if item is None:
        return f"{name} is gone"
    if trouble := of_pod(detector.node, item).trouble:
        return trouble
    try:
        answer = client.transport.send(
            "GET", f"{path}/log", query={"container": detector.container, "tailLines": str(LINES)}
        )
    except RampartError as error:
        return f"the log of {name} cannot be read: {error.message}"
    if answer.status >= 300:
        return f"the log of {name} cannot be read ({answer.status})"
    return read_log(answer.body.decode(errors="replace"), name, rule, pod)


def read_log(log: str, name: str, rule: str, pod: str) -> str:
    """Find the alert in a detector's own words, and what it says of those that did not arrive."""
    lines = log.splitlines()
    if not any(rule in line and pod in line for line in lines):
        return f"{name} did not raise it: its rules do not have it, or do not match"
    complaints = [line for line in lines if "did not reach" in line or "did not find room" in line]
    return f"{name} raised it, and it got lost on the way" + (f": {complaints[-1]}" if complaints else "")
