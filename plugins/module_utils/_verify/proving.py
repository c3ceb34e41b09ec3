# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The frame of the gates that prove controls: look whether it is proved, prove, conclude, record."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import Any, ClassVar

from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import program
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import StoredRecord
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import BrokenChainError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy.cluster_check import ClusterCheck
from ansible_collections.rampart.k8s.plugins.module_utils._verify import gate, programs
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import Cluster


def standing(found: StoredRecord) -> str:
    """Say why nothing is proved now."""
    return (
        f"proved at {found.record.time} by evidence record {found.id}; "
        "nothing it depends on has changed since"
    )


class ProofGate(ClusterCheck):
    """Proves one control. What it depends on decides whether an earlier proof still stands for it."""

    control: ClassVar[str]
    # What it proves, in a few words.
    claim: ClassVar[str]

    @abstractmethod
    def outline(self, client: Client) -> str:
        """Say what would be proved. Check mode stops there: reads only."""

    @abstractmethod
    def prove(self, client: Client) -> list[Proof]:
        """Put every claim to the test."""

    def depends_on(self, _cluster: Cluster) -> dict[str, Any] | None:
        """Return all that can be observed of what the proof depends on; None where that is not all of it."""
        return None

    def without_cluster(self) -> dict[str, Any]:
        """Nothing is proved without a cluster."""
        return {"reused": False, **gate.would(self.control, self.claim).result}

    def judge(self, client: Client) -> Plan:
        """Take over an earlier proof, or make a new one."""
        proofs = []
        if self.ledger.store is not None:
            subject, max_age = self._observe(client)
            try:
                found = self.ledger.passed(subject, timedelta(seconds=max_age))
            except BrokenChainError as error:
                claim = f"the evidence in {self.ledger.store.folder} is whole"
                proofs.append(Proof(claim, Verdict.BROKEN, False, str(error.broken)))
                found = None
            if found is not None:
                return self._reused(found)
            if not self.check_mode:
                self.subject = subject
        if self.check_mode:
            would = gate.would(self.control, self.outline(client))
            return Plan(False, would.reason, result={"reused": False, **would.result})
        proofs += self.prove(client)
        return gate.conclude(
            self.control,
            proofs,
            report_only=self.report_only,
            allow_not_proven=self.parameters.get("allow_not_proven", False),
            reused=False,
            **self.more,
            **self.shown,
        )

    def _observe(self, client: Client) -> tuple[Subject, int]:
        """Return the subject with the digest of everything observed, and how old a proof of it may be."""
        cluster = Cluster(client)
        base = cluster.base()
        depends = self.depends_on(cluster)
        whole = {
            "base": base,
            "own": depends,
            "host": programs.observe(self.parameters.get("cluster_root")),
            "policy": self.policy,
            "program": program.code(),
        }
        self.tools = {"kubernetes": cluster.version}
        # A server that does not say which process it is could have been restarted with other flags.
        complete = depends is not None and bool(base["servers"])
        max_age = self.parameters.get("max_age", 0) if complete else 0
        return Subject("cluster", cluster.uid, program.digest(whole)), max_age

    def _reused(self, found: StoredRecord) -> Plan:
        result = {
            "control": self.control,
            "passed": True,
            "violations": [],
            "not_proven": [],
            "counts": dict(found.record.summary["counts"]),
            "reused": True,
            "evidence": found.id,
        }
        return Plan(False, standing(found), result=result)
