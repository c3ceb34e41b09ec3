# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs the tests of a chart. ``helm test`` would wait for its timeout where an image cannot be pulled."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._helm import logs, manifests
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import Hook, Revision
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery, Resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import NotReadyError, Target
from ansible_collections.rampart.k8s.plugins.module_utils._kube.waiting import Waiter

TEST = "test"
# The other moments at which Helm removes a hook.
SUCCEEDED, FAILED = "hook-succeeded", "hook-failed"
# What can be judged by having done its work.
WORK = frozenset({("", "Pod"), ("batch", "Job")})


@dataclass(frozen=True, slots=True)
class Tested:
    """What came out of one test."""

    name: str
    passed: bool
    why: str = ""
    log: list[str] = field(default_factory=list)

    def as_result(self) -> dict[str, Any]:
        return {"name": self.name, "passed": self.passed, "reason": self.why, "log": self.log}


def ordered(hooks: Iterable[Hook]) -> list[Hook]:
    """Return the tests in the order in which Helm runs them."""
    return sorted((hook for hook in hooks if TEST in hook.events), key=lambda hook: (hook.weight, hook.name))


class HookTests:
    """The tests of one revision."""

    def __init__(
        self, client: Client, discovery: Discovery, redactor: Redactor, progress: Progress, deadline: float
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._redactor = redactor
        self._progress = progress
        self._deadline = deadline

    def run(self, revision: Revision) -> list[Tested]:
        """Run one after the other, to the first that fails: what comes later often builds upon it."""
        found: list[Tested] = []
        for hook in ordered(revision.hooks):
            found.append(self._run(hook, revision.namespace))
            if not found[-1].passed:
                break
        return found

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _run(self, hook: Hook, namespace: str) -> Tested:
        objects = manifests.parse(hook.manifest, f"the test {hook.name}")
        made = []
        for item in manifests.locate(objects, self._discovery, namespace):
            ref, resource = Ref.of(item), self._discovery.require(item["apiVersion"], item["kind"])
            if manifests.BEFORE in hook.delete_policies:
                self._delete(ref, resource)
            self._client.call(
                "POST", resource.collection(ref.namespace), body=item, target=str(ref), verb="create"
            )
            made.append((ref, resource))
        targets = [
            Target(ref, resource, awaited=False, finished=(ref.group, ref.kind) in WORK)
            for ref, resource in made
        ]
        try:
            Waiter(self._client, self._progress).run(targets, self._left())
            tested = Tested(hook.name, True)
        except NotReadyError as error:
            tested = Tested(hook.name, False, error.message, self._log(error, made, namespace))
        if (SUCCEEDED if tested.passed else FAILED) in hook.delete_policies:
            for ref, resource in made:
                self._client.delete(resource.path(ref), target=str(ref))
        return tested

    def _delete(self, ref: Ref, resource: Resource) -> None:
        live = self._client.find(resource.path(ref), target=str(ref))
        if live is None:
            return
        uid = live["metadata"]["uid"]
        self._client.delete(resource.path(ref), uid=uid, target=str(ref))
        watching.until(
            self._client,
            resource.collection(ref.namespace),
            ref.name,
            lambda found: True if found is None or found["metadata"]["uid"] != uid else None,
            self._left(),
        )

    def _log(self, error: NotReadyError, made: list[tuple[Ref, Resource]], namespace: str) -> list[str]:
        """Return the end of the log of what failed."""
        if error.cause and error.cause.pod:
            return logs.tail(self._client, self._redactor, namespace, error.cause.pod, error.cause.container)
        for ref, _resource in made:
            query = {"labelSelector": f"batch.kubernetes.io/job-name={ref.name}"}
            pods = f"/api/v1/namespaces/{namespace}/pods"
            found = (
                self._client.list_all(pods, query=query)[0]
                if ref.kind == "Job"
                else [self._client.find(f"{pods}/{ref.name}")]
            )
            for pod in filter(None, found):
                container = pod["spec"]["containers"][0]["name"]
                return logs.tail(self._client, self._redactor, namespace, pod["metadata"]["name"], container)
        return []
