# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Answers a checklist from an evidence store that was verified for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import StoredRecord
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import BrokenChainError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy.cluster_check import ClusterCheck
from ansible_collections.rampart.k8s.plugins.module_utils._verify import checklist, checklist_report, gate
from ansible_collections.rampart.k8s.plugins.module_utils._verify.checklist import Item, Scope


class ChecklistVerify(ClusterCheck):
    """Asks the evidence, never a claim. Reading it needs no more of the cluster than its name."""

    name = "checklist_verify"
    control = "checklist"

    def __init__(self, parameters: dict[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        super().__init__(parameters, redactor, check_mode=check_mode)
        checklist_report.check(parameters["report_paths"])
        ids = [item["id"] for item in parameters["items"]]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice or not ids:
            raise RampartError(
                f"The checklist names {', '.join(twice)} twice." if twice else "The checklist has no items.",
                next_step="give each item an id of its own",
            )

    def without_cluster(self) -> dict[str, Any]:
        """Nothing is proved without a cluster."""
        items = self._judge([], "")
        return {**gate.judge(self.control, [item.as_proof() for item in items]), **_result(items)}

    def judge(self, client: Client) -> Plan:
        """Answer every item, and write it down."""
        self.subject = None if self.check_mode else self.cluster(client)
        items = self._judge(self._records(), client.cluster_uid())
        if not self.check_mode:
            checklist_report.write(self.parameters["report_paths"], items)
        self.more = {"items": {item.id: item.verdict for item in items}}
        return gate.conclude(
            self.control,
            [item.as_proof() for item in items],
            # Check mode judges by what there is, and lets a run go on that would make the rest.
            report_only=self.report_only or self.check_mode,
            allow_not_proven=self.parameters["allow_not_proven"],
            **_result(items),
        )

    def _records(self) -> list[StoredRecord]:
        store = self.ledger.store
        if store is None or (self.check_mode and not store.folder.exists()):
            return []
        report = store.verify()
        if report.broken:
            raise BrokenChainError(store.folder, report.broken)
        return list(report.records)

    def _judge(self, records: list[StoredRecord], cluster: str) -> list[Item]:
        host = (self.parameters["evidence_play"] or {}).get("host") or ""
        max_age = timedelta(hours=self.parameters["max_age_hours"])
        scope = Scope(host, cluster, datetime.now(UTC), max_age)
        return [checklist.judge(item, records, scope) for item in self.parameters["items"]]


def _result(items: list[Item]) -> dict[str, Any]:
    verdicts = [item.verdict for item in items]
    names = (checklist.PASSED, checklist.FAILED, checklist.NOT_PROVEN)
    return {
        "answers": [item.as_data() for item in items],
        "tallies": {name.replace(" ", "_"): verdicts.count(name) for name in names},
    }
