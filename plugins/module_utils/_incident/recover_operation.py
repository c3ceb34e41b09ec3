# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.incident_recover does with its arguments: the undo, at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._incident import names, undo
from ansible_collections.rampart.k8s.plugins.module_utils._incident.folder import Folder
from ansible_collections.rampart.k8s.plugins.module_utils._incident.timeline import Timeline
from ansible_collections.rampart.k8s.plugins.module_utils._incident.undo import Record
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError

SPEC = CONNECTION | ArgumentSpec(
    {
        "ids": {"type": "list", "elements": "str", "default": []},
        "folder": {"type": "path"},
    }
)
POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"


class IncidentRecover:
    """Finds what stands of incidents by its label, and takes it back."""

    def __init__(self, parameters: Mapping[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        self._parameters = parameters
        self._redactor = redactor
        self._check_mode = check_mode
        for incident in parameters["ids"]:
            names.check_id(incident)

    def plan(self) -> Plan:
        """Look what stands."""
        self._found: list[tuple[Record, str]] = []
        try:
            self._client = Client(Connection.of(self._parameters), self._redactor)
            found, _version = self._client.list_all(
                POLICIES, query={"labelSelector": names.INCIDENT}, target="the quarantines"
            )
            jobs, _version = self._client.list_all(
                names.jobs_path(), query={"labelSelector": names.INCIDENT}, target="what undoes them"
            )
        except (MissingKubeconfigError, UnreachableError):
            if not self._check_mode:
                raise
            return Plan(False, "there is no cluster yet", result={"recovered": []})
        asked = self._parameters["ids"]
        for policy in found:
            record = Record.of(policy)
            if not asked or record.incident in asked:
                self._found.append((record, str(policy["metadata"]["uid"])))
        # One whose policy was deleted by hand waits for nothing.
        self._jobs = [job for job in jobs if not asked or job["metadata"]["labels"][names.INCIDENT] in asked]
        standing = sorted(f"{record.namespace}/{record.pod}" for record, _uid in self._found)
        return Plan(
            bool(standing or self._jobs),
            f"the quarantine ends: {', '.join(standing)}" if standing else "nothing is in quarantine",
            dict.fromkeys(standing, "in quarantine"),
            dict.fromkeys(standing, ""),
            {
                "recovered": [
                    {
                        "id": record.incident,
                        "namespace": record.namespace,
                        "pod": record.pod,
                        "undo": undo.told(record),
                    }
                    for record, _uid in self._found
                ]
            },
        )

    def apply(self, plan: Plan) -> Plan:
        """Take back in the order of the Job, and take its work from it."""
        for record, uid in self._found:
            timeline = Timeline()
            with timeline.phase("recover"):
                self._labels(record)
                self._scale(record)
                self._client.delete(names.policies_path(record.namespace, record.name), uid=uid)
            self._note(record, timeline)
        # Their accounts go with them.
        for job in self._jobs:
            self._client.delete(names.jobs_path(job["metadata"]["name"]), uid=job["metadata"]["uid"])
        return plan

    def _labels(self, record: Record) -> None:
        try:
            self._client.call(
                "PATCH",
                names.pod_path(record.namespace, record.pod),
                body=undo.label_patch(record),
                content_type=MERGE,
                target=f"Pod {record.namespace}/{record.pod}",
                verb="give its labels back",
            )
        except status.ApiError as error:
            # It has ended, and perhaps another one has its name: that one was never cut off.
            if error.code not in (404, 409):
                raise

    def _scale(self, record: Record) -> None:
        if record.replicas < 0 or not undo.scalable(record.workload):
            return
        path = undo.scale_path(record.namespace, record.workload)
        scale = self._client.find(path, target=record.workload)
        if scale is not None and not (scale.get("spec") or {}).get("replicas"):
            body = {"spec": {"replicas": record.replicas}}
            self._client.call(
                "PATCH", path, body=body, content_type=MERGE, target=record.workload, verb="scale"
            )

    def _note(self, record: Record, timeline: Timeline) -> None:
        if not self._parameters["folder"]:
            return
        folder = Folder(self._parameters["folder"], record.incident)
        noted = folder.noted()
        if noted:
            folder.note({**noted, "timeline": [*noted.get("timeline", []), *timeline.phases]})
