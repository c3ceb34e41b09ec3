# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Does to one pod what its case says: evidence, then the cut, then what stands behind it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import now
from ansible_collections.rampart.k8s.plugins.module_utils._incident import containment, names, undo
from ansible_collections.rampart.k8s.plugins.module_utils._incident.case import Case
from ansible_collections.rampart.k8s.plugins.module_utils._incident.collect import Collector
from ansible_collections.rampart.k8s.plugins.module_utils._incident.folder import Folder
from ansible_collections.rampart.k8s.plugins.module_utils._incident.observe import (
    denying_path,
    endpoints_path,
)
from ansible_collections.rampart.k8s.plugins.module_utils._incident.revoke import revoke
from ansible_collections.rampart.k8s.plugins.module_utils._incident.timeline import Timeline
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.holder import own_identity

MANAGER = "rampart"
# A controller lets go of a pod, and a Job's name becomes free, within moments.
SOON = 20.0
# With its defaults, Cilium gives a pod another identity up to 35 s after its labels changed
# (identity-max-jitter, identity-change-grace-period), and then makes the rules of all pods anew.
CUT_SECONDS = 120.0
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"


class Actor:
    """Acts on one case; every step can be done again."""

    def __init__(self, client: Client, redactor: Redactor, case: Case, folder: str, audit_log: str) -> None:
        self._client = client
        self._redactor = redactor
        self._case = case
        self._folder = Folder(folder, case.ask.incident)
        self._audit_log = audit_log
        self.timeline = Timeline()
        self.revoked: list[str] = []

    def act(self) -> None:
        """Do all phases in their order."""
        acts = {
            "evidence": self._evidence,
            "contain": self._contain,
            "scale": self._scale,
            "revoke": self._revoke,
        }
        todo = self._case.todo()
        for name, act in acts.items():
            if name in todo:
                with self.timeline.phase(name):
                    failpoint(f"incident-{name}")
                    act()

    def _evidence(self) -> None:
        pod = self._case.seen.pod or {}
        collector = Collector(self._client, self._redactor, pod, self._audit_log)
        began = now()
        files = {name: self._folder.write(name, text) for name, text in collector.files()}
        about = {
            "incident": self._case.ask.incident,
            "pod": f"{self._case.ask.namespace}/{self._case.ask.pod}",
            "uid": pod["metadata"]["uid"],
            "node": str((pod.get("spec") or {}).get("nodeName") or ""),
            "taken_from": began,
            "taken_until": now(),
            "taken_by": own_identity(),
            "cluster": self._client.cluster_uid(),
        }
        self._folder.seal(about, files, collector.missing)

    def _contain(self) -> None:
        case, ask = self._case, self._case.ask
        record = case.record()
        policy = containment.network_policy(ask.incident, ask.namespace, record.as_text())
        made = self._apply(names.policies_path(ask.namespace, record.name), policy)
        owner = containment.owner_of(made)
        role, binding = undo.access(record, owner)
        self._apply(f"{RBAC}/{ask.namespace}/roles/{record.name}", role)
        self._apply(f"{RBAC}/{ask.namespace}/rolebindings/{record.name}", binding)
        if case.seen.cilium:
            denying = containment.cilium_policy(ask.incident, ask.namespace, owner)
            self._apply(denying_path(ask.namespace, record.name), denying)
        # What takes it back waits before anything is taken away.
        self._arm(record)
        failpoint("incident-cut")
        body = {"metadata": {"uid": record.uid, "labels": case.wanted}}
        path = names.pod_path(ask.namespace, ask.pod)
        self._client.call("PATCH", path, body=body, content_type=MERGE, target=case.name, verb="cut off")
        if case.seen.endpoint is not None:
            self._await_cut()

    def _await_cut(self) -> None:
        """Wait until the node has taken note: before, packets go on arriving."""
        ask = self._case.ask

        def cut(endpoint: dict[str, Any] | None) -> bool | None:
            return True if endpoint is None or containment.is_cut(endpoint, ask.incident) else None

        if not watching.until(self._client, endpoints_path(ask.namespace), ask.pod, cut, CUT_SECONDS):
            raise RampartError(
                f"{self._case.name} has the labels that cut it off, but Cilium has not taken note of them "
                f"in {CUT_SECONDS:g} s: packets may still arrive.",
                next_step="look at the Cilium agent of its node, then run again",
            )

    def _apply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        target = f"{body['kind']} {body['metadata']['namespace']}/{body['metadata']['name']}"
        return self._client.apply(path, body, field_manager=MANAGER, target=target)

    def _arm(self, record: undo.Record) -> None:
        """Have the Job wait, and its account go with it."""
        account = undo.account(record)
        path = names.accounts_path(names.NAMESPACE, record.name)
        self._apply(path, account)
        ask, live = self._case.ask, self._case.seen.job
        wanted = undo.job(record, ask.image, ask.ttl)
        if live is not None and _runs(live) != _runs(wanted):
            self._client.delete(names.jobs_path(record.name), uid=live["metadata"]["uid"])
            live = None
        live = live or self._create_job(record.name, wanted)
        account["metadata"]["ownerReferences"] = [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "name": record.name,
                "uid": live["metadata"]["uid"],
            }
        ]
        self._apply(path, account)

    def _create_job(self, name: str, wanted: dict[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + SOON
        target = f"Job {names.NAMESPACE}/{name}"
        while True:
            try:
                return self._client.call("POST", names.jobs_path(), body=wanted, target=target, verb="create")
            except status.ApiError as error:
                # The one before is still being deleted.
                if error.code != 409 or time.monotonic() > deadline:
                    raise
            found = self._client.find(names.jobs_path(name), target=target)
            if found is not None and _runs(found) == _runs(wanted):
                return found
            time.sleep(0.2)

    def _scale(self) -> None:
        case = self._case
        collection = names.pod_path(case.ask.namespace, "").rstrip("/")

        def released(pod: dict[str, Any] | None) -> bool | None:
            owners = ((pod or {}).get("metadata") or {}).get("ownerReferences") or []
            return None if any(owner.get("controller") for owner in owners) else True

        # Scaled before it is let go of, the pod could be the one that ends.
        if not watching.until(self._client, collection, case.ask.pod, released, SOON):
            raise RampartError(
                f"{case.name} is cut off, but {case.seen.workload} has not let go of it in {SOON:g} s. It "
                "was not scaled: the pod could have ended with all that it holds.",
                next_step="look at kube-controller-manager, then run again",
            )
        path = undo.scale_path(case.ask.namespace, case.seen.workload)
        body = {"spec": {"replicas": 0}}
        self._client.call(
            "PATCH", path, body=body, content_type=MERGE, target=case.seen.workload, verb="scale"
        )

    def _revoke(self) -> None:
        self.revoked = revoke(self._client, self._case)


def _runs(job: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what tells whether a Job does what it should."""
    container = job["spec"]["template"]["spec"]["containers"][0]
    return container["image"], container["command"]
