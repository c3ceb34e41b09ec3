# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs the benchmark on one cluster and opens or shuts the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

# The check modules register their checks when they are imported.
from ansible_collections.rampart.k8s.plugins.module_utils._cis import (
    api,
    checks_host,
    checks_rbac,
    checks_workloads,
    definitions,
    report,
)
from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import Host, components, running
from ansible_collections.rampart.k8s.plugins.module_utils._cis.keeping import Keeper
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Finding, Outcome, Violation
from ansible_collections.rampart.k8s.plugins.module_utils._cis.order import Order
from ansible_collections.rampart.k8s.plugins.module_utils._cis.registry import CHECKS, Facts
from ansible_collections.rampart.k8s.plugins.module_utils._cis.verdict import judge
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_operation import Census
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.of_api_server import question
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import BrokenChainError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import standing

__all__ = ["CHECKS", "Benchmark", "Order", "checks_host", "checks_rbac", "checks_workloads"]

_NEEDED = {
    "master": ("apiserver", "controllermanager", "scheduler"),
    "etcd": ("etcd",),
    "controlplane": ("apiserver",),
    "node": ("kubelet",),
}


class Benchmark:
    """The operation behind the module cis_benchmark."""

    def __init__(self, order: Order, connect: Callable[[], api.Reader], keeper: Keeper | None = None) -> None:
        self._order = order
        self._connect = connect
        self._keeper = keeper
        self._subject: Subject | None = None
        # Why earlier evidence cannot be relied upon; shuts the gate.
        self._tampered: list[Violation] = []
        for path in order.report_paths:
            report.writer(path)
        self._outcome = Outcome([])

    def plan(self) -> Plan:
        """Ask everybody, judge, and see which reports would change."""
        order = self._order
        try:
            client = self._connect()
            objects = api.read(client)
        except (MissingKubeconfigError, UnreachableError) as error:
            if not order.check_mode:
                raise
            return Plan(False, f"There is no cluster to judge yet: {error.message}")
        earlier = self._earlier(client, objects)
        if earlier:
            return earlier
        host = self._host()
        asked: dict[str, Finding] = {}
        if host is not None:
            asked = order.kube_bench.run(order.targets, host.processes, order.files, order.paths)
        facts = Facts(
            host,
            objects,
            self._census(host),
            order.trusted_subjects,
            order.system_namespaces,
        )
        whole = {target: order.kube_bench.controls(target) for target in definitions.ALL}
        wanted = [control for target in (*order.targets, definitions.POLICIES) for control in whole[target]]
        known = {control.id for controls in whole.values() for control in controls}
        own = {control.id: CHECKS[control.id](facts) for control in wanted if control.id in CHECKS}
        found = {control: finding for control, finding in own.items() if finding is not None}
        self._outcome = judge(wanted, known, asked, found, order.explanations)
        self._outcome.violations[:0] = self._tampered
        stale = self._stale_reports()
        plan = Plan(
            bool(stale),
            self._reason(stale),
            {"reports": dict.fromkeys(stale, "differs or is missing")},
            {"reports": dict.fromkeys(stale, "as judged")},
            self._result(),
        )
        return self._gate(plan) if not stale or order.check_mode else plan

    def apply(self, plan: Plan) -> Plan:
        """Write the reports, then open or shut the gate: a shut gate leaves its report behind."""
        for path in self._stale_reports():
            write_atomic(path, report.render(path, self._outcome), mode=0o644)
        return self._gate(plan)

    def _earlier(self, client: api.Reader, objects: api.Api) -> Plan | None:
        """Take over an earlier verdict when nothing changed that it rests on."""
        if self._keeper is None:
            return None
        self._subject, complete = self._keeper.subject(self._order, cast(Client, client), objects)
        try:
            found = self._keeper.passed(self._subject, complete, self._order.report_paths)
        except BrokenChainError as error:
            self._tampered = [
                Violation(
                    "evidence", "Ensure that no evidence was changed", str(error.broken), error.next_step
                )
            ]
            return None
        if found is None:
            return None
        counts = {name.replace("_", " "): count for name, count in found.record.summary["counts"].items()}
        result = {"passed": True, "counts": counts, "violations": [], "reused": True, "evidence": found.id}
        return Plan(False, standing(found), result=result)

    def _host(self) -> Host | None:
        order = self._order
        if not order.targets or order.cluster_root is None:
            return None
        processes = components(order.cluster_root, running())
        missing = sorted(
            {need for target in order.targets for need in _NEEDED[target] if need not in processes}
        )
        if missing:
            raise RampartError(
                f"These components of {order.cluster_root} do not run: {', '.join(missing)}.",
                next_step="start the cluster, or take the targets out that it does not have",
                missing=missing,
            )
        return Host(processes, order.files)

    def _census(self, host: Host | None) -> Mapping[str, Any]:
        process = host.processes.get("apiserver") if host else None
        asked = question(process) if process else None
        return Census(asked, Redactor()).plan().as_result(diff=False) if asked else {}

    def _stale_reports(self) -> list[str]:
        return [
            path
            for path in self._order.report_paths
            if not Path(path).is_file() or Path(path).read_bytes() != report.render(path, self._outcome)
        ]

    def _reason(self, stale: list[str]) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self._outcome.counts.items())
        return f"{counts}; reports to write: {', '.join(stale)}" if stale else counts

    def _result(self) -> dict[str, Any]:
        outcome = self._outcome
        return {
            "passed": not outcome.violations,
            "counts": outcome.counts,
            "violations": [
                {"id": one.id, "title": one.title, "found": one.found, "fix": one.fix}
                for one in outcome.violations
            ],
            "reused": False,
            "evidence": "",
            "controls": [control.as_data() for control in outcome.controls],
            "table": report.table(outcome),
        }

    def _gate(self, plan: Plan) -> Plan:
        violations = self._outcome.violations
        plan = replace(plan, result={**plan.result, "evidence": self._record()})
        if not violations or self._order.report_only:
            return plan
        shown = "\n".join(f"- {violation}" for violation in violations)
        raise RampartError(
            f"{len(violations)} controls of {self._order.kube_bench.benchmark} are violated:\n{shown}",
            next_step="fix them one by one; report_only lets a run go on meanwhile",
            # Not all controls: what failed is what has to be read, and the reports hold the rest.
            **{name: value for name, value in plan.result.items() if name not in ("controls", "table")},
        )

    def _record(self) -> str:
        if self._keeper is None or self._subject is None:
            return ""
        try:
            return self._keeper.write(self._order, self._subject, self._outcome)
        except BrokenChainError:
            if not self._tampered:
                raise
            # The gate is shut, and this is named among its reasons.
            return ""
