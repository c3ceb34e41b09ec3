# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.manifest_apply does with its arguments."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import (
    diff,
    files,
    objects,
    options,
    step,
)
from ansible_collections.rampart.k8s.plugins.module_utils._kube.applying import Applier
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.planning import Planner
from ansible_collections.rampart.k8s.plugins.module_utils._kube.step import Step
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import Target
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.waiting import Waiter

SPEC = (
    ArgumentSpec(
        {
            # no_log keeps Secrets out of the system log; names and kinds are shown again by build().
            "definitions": {"type": "list", "elements": "dict", "default": [], "no_log": True},
            "files": {"type": "list", "elements": "path", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "namespace": {"type": "str"},
            "field_manager": {"type": "str", "default": "rampart"},
            "force_conflicts": {"type": "bool", "default": False},
            "order": {"type": "str", "choices": ["kind", "list"], "default": "kind"},
            "wait": {"type": "bool", "default": False},
            "wait_timeout": {"type": "int", "default": 120},
            "prune": {
                "type": "dict",
                "options": {
                    "label_selector": {"type": "str", "required": True},
                    "kinds": {
                        "type": "list",
                        "elements": "dict",
                        "required": True,
                        "options": {
                            "api_version": {"type": "str", "required": True},
                            "kind": {"type": "str", "required": True},
                        },
                    },
                    "namespaces": {"type": "list", "elements": "str", "default": []},
                },
            },
        }
    )
    | options.CONNECTION
    | PROGRESS
)


def build(module: AnsibleModule, redactor: Redactor) -> ManifestApply:
    """Take over the arguments, and teach the redactor the secrets in them."""
    read, missing = files.read(module.params["files"], may_be_missing=module.check_mode)
    definitions = module.params["definitions"] + read
    prepared = []
    warnings = [f"{path} does not exist yet; what is in it is not compared." for path in missing]
    redactor.add(*(value for definition in definitions for value in objects.secret_values(definition)))
    # All texts of the definitions count as secret now, names included: that would make every result
    # unreadable. The real secrets are known to the redactor.
    module.no_log_values = set()
    module.params["definitions"] = [
        {name: definition.get(name) for name in ("apiVersion", "kind")} for definition in definitions
    ]
    for position, definition in enumerate(definitions):
        made, said = objects.prepare(definition, position)
        prepared.append(made)
        warnings += said
    for line in warnings:
        module.warn(line)
    return ManifestApply(module, redactor, prepared)


class ManifestApply:
    """Applies or deletes a list of objects in one task."""

    def __init__(self, module: AnsibleModule, redactor: Redactor, definitions: list[dict[str, Any]]) -> None:
        self._module = module
        self._redactor = redactor
        self._parameters: Mapping[str, Any] = module.params
        self._steps = [Step(Ref.of(definition), definition) for definition in definitions]
        self._pruned: list[Step] = []
        self._key = secrets.token_bytes(32)
        self._client: Client | None = None

    def plan(self) -> Plan:
        """Compare with the cluster; without one, in check mode, everything is still to be created."""
        objects.reject_duplicates(one.ref for one in self._steps)
        try:
            self._client = Client(Connection.of(self._parameters), self._redactor)
            self._compare(self._client)
        except (MissingKubeconfigError, UnreachableError) as error:
            if not self._module.check_mode:
                raise
            self._module.warn(f"There is no cluster to compare with yet: {error.message}")
            self._assume_empty()
        plan = self._as_plan()
        if not plan.changed and not self._module.check_mode:
            self._wait()
        return plan

    def _compare(self, client: Client) -> None:
        for line in client.warnings:
            self._module.warn(line)
        self._discovery = Discovery(client)
        planner = Planner(
            client,
            self._discovery,
            field_manager=self._parameters["field_manager"],
            force_conflicts=self._parameters["force_conflicts"],
            check_mode=self._module.check_mode,
        )
        namespace = self._parameters["namespace"] or client.credentials.namespace
        self._steps = planner.locate(self._steps, namespace)
        if self._parameters["state"] == "absent":
            planner.absent(self._steps)
            return
        planner.present(self._steps)
        prune = self._parameters["prune"]
        if prune:
            self._pruned = planner.prune(
                self._steps, prune["label_selector"], prune["kinds"], prune["namespaces"]
            )

    def _assume_empty(self) -> None:
        for one in self._steps:
            if self._parameters["state"] == "absent":
                one.decide(step.ABSENT, "there is no cluster yet")
            else:
                one.decide(step.CREATED, "there is no cluster yet")

    def apply(self, plan: Plan) -> Plan:
        """Write what the plan says, delete what is pruned, and wait when asked to."""
        if self._client is None:
            raise ValueError("the plan was made without a cluster")
        applier = Applier(
            self._client,
            self._discovery,
            Progress(self._parameters["_progress_file"]),
            field_manager=self._parameters["field_manager"],
            force_conflicts=self._parameters["force_conflicts"],
            timeout=self._parameters["wait_timeout"],
        )
        if self._parameters["state"] == "absent":
            applier.absent(self._steps)
        else:
            applier.present(self._steps, in_list_order=self._parameters["order"] == "list")
            applier.absent(self._pruned)
        if self._parameters["wait"]:
            applier.await_absent(self._steps + self._pruned)
            self._wait()
        return self._as_plan()

    def _wait(self) -> None:
        if not self._parameters["wait"] or self._parameters["state"] == "absent" or self._client is None:
            return
        targets = [Target(one.ref, one.resource) for one in self._steps if one.resource]
        Waiter(self._client, Progress(self._parameters["_progress_file"])).run(
            targets, self._parameters["wait_timeout"]
        )

    def _as_plan(self) -> Plan:
        steps = self._steps + self._pruned
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        counts = dict.fromkeys((step.CREATED, step.UPDATED, step.UNCHANGED, step.DELETED, step.ABSENT), 0)
        for one in steps:
            counts[one.action] += 1
            if one.changes:
                old, new = _sides(one, self._key)
                before[str(one.ref)], after[str(one.ref)] = old, new
        told = ", ".join(f"{count} {action}" for action, count in counts.items() if count)
        return Plan(
            changed=any(one.changes for one in steps),
            reason=f"{len(steps)} objects: {told}" if steps else "the list is empty",
            before=before,
            after=after,
            result={
                "objects": [one.as_result() for one in steps],
                "counts": counts,
                **(self._client.counts if self._client else {"requests": 0, "retries": 0}),
            },
        )


def _sides(one: Step, key: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what ``--diff`` shows of a step."""
    live = diff.shown(one.live, key) if one.live else {}
    if one.action == step.DELETED:
        # Its name says enough: the whole of a deleted object would drown the rest.
        return {"kind": one.ref.kind, "name": one.ref.name}, {}
    if one.action == step.CREATED or one.after is None:
        return {}, diff.shown(one.definition, key)
    return diff.changed_fields(live, diff.shown(one.after, key))
