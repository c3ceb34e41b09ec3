# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.resource_ready does with its arguments."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import options, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery, Resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import Target
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.waiting import Waiter

SPEC = (
    ArgumentSpec(
        {
            "resources": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "api_version": {"type": "str", "required": True},
                    "kind": {"type": "str", "required": True},
                    "namespace": {"type": "str"},
                    "name": {"type": "str"},
                    "label_selector": {"type": "str"},
                    "condition": {"type": "str"},
                    "condition_status": {"type": "str", "default": "True"},
                },
                "required_one_of": [("name", "label_selector")],
                "mutually_exclusive": [("name", "label_selector")],
            },
            "timeout": {"type": "int", "default": 120},
        }
    )
    | options.CONNECTION
    | PROGRESS
)


def build(module: AnsibleModule, redactor: Redactor) -> ResourceReady:
    """Take over the arguments."""
    return ResourceReady(module, redactor)


class ResourceReady:
    """Waits for a list of objects."""

    def __init__(self, module: AnsibleModule, redactor: Redactor) -> None:
        self._module = module
        self._redactor = redactor
        self._parameters: Mapping[str, Any] = module.params

    def apply(self, plan: Plan) -> Plan:
        """Change nothing."""
        return plan

    def plan(self) -> Plan:
        """Wait; in check mode look once, since nothing that is to be made will come."""
        started = time.monotonic()
        check = self._module.check_mode
        try:
            connection = Connection.of(self._parameters)
            limit = min(connection.api_timeout, self._parameters["timeout"])
            client = Client(replace(connection, api_timeout=limit), self._redactor)
            for line in client.warnings:
                self._module.warn(line)
            targets = self._targets(client, started + (0 if check else self._parameters["timeout"]))
        except (MissingKubeconfigError, UnreachableError) as error:
            if not check:
                raise
            self._module.warn(f"There is no cluster to look at yet: {error.message}")
            return Plan(
                changed=False, reason="there is no cluster yet", result={"objects": [], "ready": False}
            )
        waiter = Waiter(client, Progress(self._parameters["_progress_file"]))
        left = max(0.0, self._parameters["timeout"] - (time.monotonic() - started))
        watched = waiter.look(targets) if check else waiter.run(targets, left)
        unready = [one for one in watched if not one.state.ready]
        complete = not unready and len(targets) >= len(self._parameters["resources"])
        return Plan(
            changed=False,
            reason=f"{len(watched) - len(unready)} of {len(watched)} objects are ready",
            result={
                "objects": [one.as_result() for one in watched],
                "ready": complete,
                "seconds": round(time.monotonic() - started, 3),
                **client.counts,
            },
        )

    def _targets(self, client: Client, deadline: float) -> list[Target]:
        discovery = Discovery(client)
        discovery.load(entry["api_version"] for entry in self._parameters["resources"])
        targets: dict[Ref, Target] = {}
        for entry in self._parameters["resources"]:
            resource = self._resource(discovery, entry)
            if resource is None:
                continue
            namespace = None
            if resource.namespaced:
                namespace = entry["namespace"] or client.credentials.namespace
            names = (
                [entry["name"]]
                if entry["name"]
                else self._select(client, resource, namespace, entry, deadline)
            )
            for name in names:
                ref = Ref(resource.api_version, resource.kind, namespace, name)
                target = Target(ref, resource, entry["condition"] or "", entry["condition_status"])
                targets[ref] = target
        return list(targets.values())

    def _resource(self, discovery: Discovery, entry: Mapping[str, Any]) -> Resource | None:
        if self._module.check_mode:
            return discovery.find(entry["api_version"], entry["kind"])
        return discovery.require(entry["api_version"], entry["kind"])

    def _select(
        self,
        client: Client,
        resource: Resource,
        namespace: str | None,
        entry: Mapping[str, Any],
        deadline: float,
    ) -> list[str]:
        """Find what a label selects, waiting for the first such object: an empty list proves nothing."""
        selector = entry["label_selector"]
        path, query = resource.collection(namespace), {"labelSelector": selector}
        if self._module.check_mode:
            return [item["metadata"]["name"] for item in client.list_all(path, query=query)[0]]
        for event in watching.follow(client, path, query, deadline):
            if event.objects and event.type != "DELETED":
                return [item["metadata"]["name"] for item in client.list_all(path, query=query)[0]]
        where = f" in {namespace}" if namespace else ""
        raise RampartError(
            f"No {resource.kind}{where} with the label {selector} came within the timeout.",
            next_step="check the label, and that what makes these objects runs",
        )
