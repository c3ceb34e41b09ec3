# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The frame of everything that asks a cluster and changes nothing for good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import program
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import BrokenChainError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._verify.ledger import Ledger

# How a cluster is asked is no part of what is asked.
_MANNER = frozenset(
    (
        *CONNECTION.options,
        "report_only",
        "evidence_dir",
        "evidence_play",
        "max_age",
        "cluster_root",
        "timeout",
    )
)


class ClusterCheck(ABC):
    """A question to a cluster. Check mode completes where there is no cluster yet.

    A check that comes to a verdict says on what: it sets ``subject`` while it judges, and the verdict
    is recorded for it, whatever it is.
    """

    # Under which its verdicts are recorded: the name of the module.
    name: ClassVar[str]

    def __init__(self, parameters: dict[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        self.parameters = parameters
        self.check_mode = check_mode
        self.redactor = redactor
        self.report_only: bool = parameters["report_only"]
        self.ledger = Ledger.of(self.name, parameters, redactor, check_mode=check_mode)
        self.subject: Subject | None = None
        # Versions of what answered, for the record.
        self.tools: dict[str, str] = {}
        # What the record says beside the counts.
        self.more: dict[str, Any] = {}
        # What the result says and the record does not keep.
        self.shown: dict[str, Any] = {}

    @abstractmethod
    def judge(self, client: Client) -> Plan:
        """Ask and conclude."""

    @abstractmethod
    def without_cluster(self) -> dict[str, Any]:
        """Return what the result holds when nothing could be asked."""

    @property
    def policy(self) -> str:
        """The digest of what is demanded."""
        demanded = {key: value for key, value in self.parameters.items() if key not in _MANNER}
        return program.digest(demanded)

    def cluster(self, client: Client) -> Subject:
        """Return the cluster as what a verdict is about that nobody takes over later."""
        uid = client.cluster_uid()
        return Subject("cluster", uid, program.digest([uid, self.policy]))

    def plan(self) -> Plan:
        """Ask; what is created for the asking is gone again at the end, so nothing changes."""
        try:
            client = Client(Connection.of(self.parameters), self.redactor)
            return self._recorded(client)
        except (MissingKubeconfigError, UnreachableError):
            if not self.check_mode:
                raise
            result = {"evidence": "", **self.without_cluster()}
            return Plan(False, "there is no cluster to ask yet", result=result)

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan

    def _recorded(self, client: Client) -> Plan:
        try:
            plan = self.judge(client)
        except RampartError as error:
            try:
                error.details["evidence"] = self._record(error.details, error.message)
            except RampartError as trouble:
                # The task fails anyway; what it found must not be hidden by what came after.
                error.details |= {"evidence": "", "evidence_error": str(trouble)}
            raise
        return replace(plan, result={"evidence": self._record(plan.result, ""), **plan.result})

    def _record(self, result: Mapping[str, Any], failure: str) -> str:
        if self.subject is None:
            return ""
        violations = list(result.get("violations") or [])
        counts = result.get("counts") or {"violations": len(violations)}
        # A failure that is no verdict is one of the gate itself.
        broken = "passed" not in result
        try:
            return self.ledger.write(
                self.subject,
                "error" if broken else "passed" if result["passed"] else "failed",
                policy=self.policy,
                counts={} if broken else counts,
                found=[failure] if broken else [*violations, *(result.get("not_proven") or [])],
                tools=self.tools,
                more=self.more,
            )
        except BrokenChainError:
            if result.get("passed", True):
                raise
            # The gate is shut, and this is named among its reasons.
            return ""
