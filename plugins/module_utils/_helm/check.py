# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Verifies one release: its state, its objects, its tests, its answers, and what runs of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import presentable
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._helm import (
    comparing,
    drift,
    expectations,
    guards,
    logs,
    manifests,
    running,
)
from ansible_collections.rampart.k8s.plugins.module_utils._helm.comparing import Member
from ansible_collections.rampart.k8s.plugins.module_utils._helm.findings import Findings
from ansible_collections.rampart.k8s.plugins.module_utils._helm.history import CHART, History
from ansible_collections.rampart.k8s.plugins.module_utils._helm.hook_tests import HookTests, ordered
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import DEPLOYED, FAILED, Revision
from ansible_collections.rampart.k8s.plugins.module_utils._helm.probes import Prober
from ansible_collections.rampart.k8s.plugins.module_utils._kube import access, objects
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.causes import Cause
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import NotReadyError, Watched
from ansible_collections.rampart.k8s.plugins.module_utils._kube.waiting import Waiter


class ReleaseCheck:
    """One release in one cluster. Everything is observed anew each time."""

    def __init__(
        self,
        client: Client,
        redactor: Redactor,
        progress: Progress,
        release: Mapping[str, Any],
        options: Mapping[str, Any],
        *,
        looks_only: bool = False,
    ) -> None:
        self.client = client
        self.discovery = Discovery(client)
        self.history = History(client, release["namespace"], release["name"])
        self.redactor = redactor
        self.progress = progress
        self._options = options
        self._demands: Mapping[str, Any] = options["demands"]
        self.probes = [each for each in options["probes"] if each["release"] in ("", release["name"])]
        # In check mode nothing is waited for and nothing is made.
        self._looks_only = looks_only
        self._rules = [expectations.Rule.of(entry) for entry in options["rules"]]
        self.ignored = [drift.Rule(**entry) for entry in options["ignore"]]

    def run(self, *, left_by: Iterable[int] = ()) -> Findings:
        """Verify the newest revision; ``left_by`` are revisions that something may be left over of."""
        deadline = time.monotonic() + self._options["timeout"]
        self.client.transport.extend(self._options["timeout"])
        self.history.refresh()
        if self._looks_only and self.history.last is None:
            return Findings(self.history.name, self.history.namespace, status="not installed yet")
        revision = self.history.require_last()
        last = self.history.last
        found = Findings(
            revision.name,
            revision.namespace,
            revision.number,
            revision.status,
            revision.chart,
            last.labels.get(CHART, "") if last else "",
        )
        if revision.status != DEPLOYED:
            said = (
                f": {presentable(self.redactor.text(revision.description))}" if revision.description else ""
            )
            found.violations.append(f"revision {revision.number} is {revision.status}{said}")
            return found
        members = self.members(revision)
        self._require(members, revision)
        members = self._await(found, members, deadline)
        self._compare(found, members, {*left_by, *self._failed(revision)})
        if not found.cause and not self._looks_only:
            self._ask(found, revision, deadline)
        self._look(found, members, deadline)
        return found

    def wanted(self, revision: Revision) -> list[dict[str, Any]]:
        """Return the objects of a revision's manifest as Helm applies them, whether it can or not."""
        title = f"revision {revision.number} of {revision.namespace}/{revision.name}"
        parsed = manifests.parse(revision.manifest, title)
        prepared = [objects.prepare(item, position)[0] for position, item in enumerate(parsed)]
        for item in prepared:
            self.redactor.add(*objects.secret_values(item))
        return manifests.locate(prepared, self.discovery, revision.namespace)

    def members(self, revision: Revision) -> list[Member]:
        """Return the objects of a revision's manifest with where they are kept."""
        return [
            Member(item, self.discovery.require(item["apiVersion"], item["kind"]))
            for item in self.wanted(revision)
        ]

    def _failed(self, revision: Revision) -> set[int]:
        return {
            head.number
            for head in self.history.heads
            if head.number < revision.number and (head.status == FAILED or head.pending)
        }

    def _require(self, members: Sequence[Member], revision: Revision) -> None:
        """Stop with all permissions that are missing, before a part of the answer is taken for the whole."""
        namespace = revision.namespace
        wanted = {
            Permission(verb, group, resource, namespace)
            for group, resource, verbs in (
                ("", "pods", ("get", "list", "watch")),
                ("", "events", ("list",)),
                ("apps", "replicasets", ("get", "list")),
                ("batch", "jobs", ("list",)),
            )
            for verb in verbs
        }
        for member in members:
            ref = member.ref
            wanted.add(Permission("get", ref.group, member.resource.plural, ref.namespace or ""))
        if self._options["tests"] and ordered(revision.hooks):
            wanted |= {Permission(verb, "", "pods", namespace) for verb in ("create", "delete")}
        if self._demands["network_isolation"]:
            wanted.add(Permission("list", "networking.k8s.io", "networkpolicies", namespace))
        access.require(self.client, wanted)

    def _await(self, found: Findings, members: Sequence[Member], deadline: float) -> list[Member]:
        """Wait until all objects are ready; what cannot be is a violation with its cause."""
        awaited = expectations.targets(((one.ref, one.resource) for one in members), self._rules)
        waiter = Waiter(self.client, self.progress)
        try:
            if self._looks_only:
                watched = waiter.look(awaited)
            else:
                watched = waiter.run(awaited, max(0.0, round(deadline - time.monotonic(), 1)))
        except NotReadyError as error:
            watched = error.watched
            found.cause = self._cause(error)
            found.violations.append(_with_last_words(error.message, found.cause.get("log", [])))
        if self._looks_only:
            unready = [each for each in watched if not each.state.ready]
            found.violations += [f"{each.target.ref}: {each.state.message}" for each in unready]
        found.objects = [each.as_result() for each in watched]
        live = {each.target.ref: each.live for each in watched}
        optional = self.read([one for one in members if one.ref not in live])
        live |= {one.ref: one.live for one in optional}
        return [Member(one.wanted, one.resource, live[one.ref]) for one in members]

    def read(self, members: Sequence[Member]) -> list[Member]:
        """Return objects with what is live of them."""
        return self.client.map(
            lambda one: Member(
                one.wanted, one.resource, self.client.find(one.resource.path(one.ref), target=str(one.ref))
            ),
            members,
        )

    def _cause(self, error: NotReadyError) -> dict[str, Any]:
        """Say what failed, down to the last lines of the container."""
        failed: Watched | None = next((each for each in error.watched if each.state.failed), None)
        unready = failed or next((each for each in error.watched if not each.state.ready), None)
        found: dict[str, Any] = {"message": error.message, "next_step": error.next_step}
        if unready:
            found["object"] = str(unready.target.ref)
        if error.cause:
            namespace = (unready.target.ref.namespace if unready else None) or self.history.namespace
            found |= self.told(found.get("object", ""), error.cause, namespace)
            found["message"] = error.message
        return found

    def told(self, what: str, cause: Cause, namespace: str) -> dict[str, Any]:
        """Tell a cause with the end of the log of its container."""
        return {
            "object": what,
            "message": cause.sentence,
            "next_step": cause.next_step,
            "reason": cause.reason,
            "pod": cause.pod,
            "container": cause.container,
            "log": logs.tail(self.client, self.redactor, namespace, cause.pod, cause.container),
        }

    def _compare(self, found: Findings, members: Sequence[Member], left_by: set[int]) -> None:
        found.drift = comparing.compare(self.client, members, self.ignored)
        others = [
            (head.number, [member.wanted for member in self.members(self.history.load(head))])
            for head in self.history.heads
            if head.number in left_by
        ]
        release = (found.name, found.namespace)
        found.drift += comparing.residue(self.client, self.discovery, members, others, self.ignored, release)
        found.violations += map(str, found.drift)

    def _ask(self, found: Findings, revision: Revision, deadline: float) -> None:
        """Run the tests and the probes."""
        if self._options["tests"]:
            tests = HookTests(self.client, self.discovery, self.redactor, self.progress, deadline)
            found.tests = tests.run(revision)
        prober = Prober(self.client, self.redactor, revision.namespace)
        found.probes = [prober.run(probe) for probe in self.probes]
        for tested in found.tests:
            if not tested.passed:
                why = _with_last_words(tested.why, tested.log)
                found.violations.append(f"the test {tested.name} failed: {why}")
                found.cause = {"object": f"test {tested.name}", "message": tested.why, "log": tested.log}
        for probed in found.probes:
            if not probed.passed:
                found.violations.append(f"the probe {probed.name} failed {probed.tries} times: {probed.why}")

    def _pods(self, namespace: str, members: Sequence[Member]) -> list[dict[str, Any]]:
        return running.pods(self.client, namespace, [one.live for one in members if one.live])

    def _look(self, found: Findings, members: Sequence[Member], deadline: float) -> None:
        """Look at what runs, and at what binds it."""
        demands, namespace = self._demands, found.namespace
        pods = self._pods(namespace, members)
        if running.starting(pods) and found.passed and not self._looks_only:
            # An autoscaler has asked for them since all was ready.
            members = self._await(found, members, deadline)
            pods = self._pods(namespace, members)
        found.images = running.images(pods)
        directory = self._options["evidence_dir"]
        store = EvidenceStore(directory) if directory else None
        hours = demands["image_gate_max_age_hours"]
        found.violations += running.judge_images(
            found.images,
            running.Known(demands["image_sources"]),
            demands["image_gates"],
            store,
            timedelta(hours=hours) if hours else None,
        )
        found.violations += running.judge_contexts(
            pods, demands["pod_security"], read_only_root=demands["read_only_root"]
        )
        found.violations += guards.pod_security(self.client, namespace, demands["pod_security"])
        if demands["network_isolation"]:
            found.violations += guards.isolation(self.client, namespace, pods)
        found.violations += guards.policies(self.client, self.discovery, demands["policies"])


def _with_last_words(why: str, log: Sequence[str]) -> str:
    """End a reason with what the container itself said last."""
    return why.rstrip(".") + (f". Its log ends with: {log[-1].rstrip('.')}" if log else "")
