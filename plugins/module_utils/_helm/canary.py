# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Gives the pods of a new revision a growing part of the traffic, and stops at the first sign of trouble."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._helm import canary_objects
from ansible_collections.rampart.k8s.plugins.module_utils._helm.canary_objects import LABEL
from ansible_collections.rampart.k8s.plugins.module_utils._helm.check import ReleaseCheck
from ansible_collections.rampart.k8s.plugins.module_utils._helm.probes import Prober
from ansible_collections.rampart.k8s.plugins.module_utils._kube import causes, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.causes import Cause
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import NotReadyError, Target
from ansible_collections.rampart.k8s.plugins.module_utils._kube.waiting import Waiter

MANAGER = "rampart-canary"
KINDS = (("v1", "ConfigMap"), ("v1", "Secret"), ("apps/v1", "Deployment"))


class CanaryStoppedError(Exception):
    """The new pods are not well; told as a release's own failure is."""

    def __init__(self, why: str, told: Mapping[str, Any]) -> None:
        super().__init__(why)
        self.told = dict(told)


class Canary:
    """The canary of one release."""

    def __init__(self, check: ReleaseCheck, namespace: str, release: str) -> None:
        self._check = check
        self._client = check.client
        self._discovery = check.discovery
        self._progress = check.progress
        self._namespace = namespace
        self._release = release
        self._prober = Prober(check.client, check.redactor, namespace)

    def left(self) -> list[Ref]:
        """Return what a run that was killed has left behind."""
        found = []
        for api_version, kind in KINDS:
            resource = self._discovery.require(api_version, kind)
            items, _unused = self._client.list_all(
                resource.collection(self._namespace), query={"labelSelector": f"{LABEL}={self._release}"}
            )
            found += [Ref(api_version, kind, self._namespace, item["metadata"]["name"]) for item in items]
        return found

    def remove(self) -> None:
        """Take the canary away, the Deployment first: then all traffic is the stable pods' again."""
        for ref in reversed(self.left()):
            path = self._discovery.require(ref.api_version, ref.kind).path(ref)
            self._client.delete(path, target=str(ref))

    def run(
        self,
        options: Mapping[str, Any],
        wanted: Sequence[Mapping[str, Any]],
        present: Sequence[Mapping[str, Any]],
        probes: Sequence[Mapping[str, Any]],
        timeout: float,
        lease: Lease,
    ) -> list[str]:
        """Go through the steps and return what each gave; when it stops, nothing is left behind."""
        *copies, deployment = canary_objects.objects(wanted, present, options["workload"], self._release)
        stable = self._stable(options["workload"])
        done = []
        try:
            for item in copies:
                self._apply(item)
            for weight in options["steps"]:
                lease.check()
                failpoint("canary step")
                new = canary_objects.replicas(stable, weight)
                deployment["spec"]["replicas"] = new
                self._apply(deployment)
                self._await(deployment, timeout)
                part = canary_objects.share(stable, new)
                self._progress.say(
                    f"{self._release}: {new} new pods beside {stable}, {part} % of the traffic"
                )
                self._observe(options, probes)
                done.append(f"canary of {part} % ({new} pods beside {stable})")
        except BaseException:
            self.remove()
            raise
        return done

    def _stable(self, workload: str) -> int:
        """Return how many pods serve now."""
        path = f"/apis/apps/v1/namespaces/{self._namespace}/deployments/{workload}"
        live = self._client.get(path, target=f"Deployment {self._namespace}/{workload}")
        return int((live.get("status") or {}).get("availableReplicas") or 0)

    def _apply(self, item: dict[str, Any]) -> None:
        ref = Ref.of(item)
        path = self._discovery.require(ref.api_version, ref.kind).path(ref)
        self._client.apply(path, item, field_manager=MANAGER, force=True, target=str(ref))

    def _await(self, deployment: dict[str, Any], timeout: float) -> None:
        ref = Ref.of(deployment)
        target = Target(ref, self._discovery.require(ref.api_version, ref.kind))
        try:
            Waiter(self._client, self._progress).run([target], timeout)
        except NotReadyError as error:
            raise self._stopped(error.message.rstrip("."), error.cause) from error

    def _observe(self, options: Mapping[str, Any], probes: Sequence[Mapping[str, Any]]) -> None:
        """Ask each probe of one of the new pods, watch them for a while, and ask again."""
        self._ask(probes)
        path = f"/api/v1/namespaces/{self._namespace}/pods"
        query = {"labelSelector": f"{LABEL}={self._release}"}
        self._client.transport.extend(options["seconds"])
        restarts: dict[str, int] = {}
        for event in watching.follow(self._client, path, query, time.monotonic() + options["seconds"]):
            for pod in event.objects if event.type != "DELETED" else ():
                if trouble := _trouble(pod, restarts):
                    raise self._stopped(trouble.sentence, trouble)
        self._ask(probes)

    def _ask(self, probes: Sequence[Mapping[str, Any]]) -> None:
        for probe in probes:
            probed = self._prober.run_at(probe, {LABEL: self._release})
            if not probed.passed:
                raise self._stopped(f"the probe {probed.name} failed {probed.tries} times: {probed.why}")

    def _stopped(self, why: str, cause: Cause | None = None) -> CanaryStoppedError:
        """Read the log before the pods are gone."""
        what = f"canary of {self._release}"
        told = self._check.told(what, cause, self._namespace) if cause else {"object": what, "message": why}
        return CanaryStoppedError(why, told)


def _trouble(pod: Mapping[str, Any], restarts: dict[str, int]) -> Cause | None:
    """Say what is wrong with a new pod: it cannot run, or it was started again while it was watched."""
    if cause := causes.pod_cause(pod):
        return cause
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        name = f"{pod['metadata']['name']}/{status['name']}"
        count = int(status.get("restartCount") or 0)
        if count > restarts.setdefault(name, count):
            sentence = f"container {status['name']} of Pod {pod['metadata']['name']} was started again"
            return Cause("Restarted", sentence, pod["metadata"]["name"], status["name"])
    return None
