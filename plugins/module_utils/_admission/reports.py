# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Turns Kyverno's policy reports into a verdict: what lives in breach of a policy that is enforced."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import images, rendering
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import object_name
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import Admission
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live
from ansible_collections.rampart.k8s.plugins.module_utils._policy.cluster_check import ClusterCheck
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import responsible

REPORTS = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/{}/policyreports"
POLL = 1.0
RESULTS = ("pass", "fail", "warn", "error", "skip")


def findings(reports: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the results about our policies; ``names`` leads from the name in the cluster to the policy."""
    found = []
    for report in reports:
        scope = report.get("scope") or {}
        for result in report.get("results") or []:
            if result.get("policy") in names:
                found.append(
                    {
                        "namespace": str(scope.get("namespace", "")),
                        "kind": str(scope.get("kind", "")),
                        "name": str(scope.get("name", "")),
                        "policy": names[result["policy"]],
                        "result": str(result.get("result", "")),
                        "reason": str(result.get("message", "")),
                    }
                )
    return found


class PolicyReports(ClusterCheck):
    """Reads what Kyverno's background scan found, and concludes."""

    name = "policy_reports"

    def judge(self, client: Client) -> Plan:
        """Read the reports of every environment."""
        admission = rendering.read(self.parameters["definition"], datetime.now(UTC))
        if admission.engine != "kyverno":
            raise RampartError(
                f"{admission.engine} leaves no reports.",
                next_step="prove the policies with policy_verify, or let Kyverno enforce them",
            )
        deadline = time.monotonic() + self.parameters["timeout"]
        client.transport.extend(self.parameters["timeout"])
        found, silent = self._look(client, admission)
        # A report follows what it is about after a moment.
        while silent and time.monotonic() < deadline:
            time.sleep(POLL)
            found, silent = self._look(client, admission)
        if self.ledger.writes:
            self.subject = self.cluster(client)
        return self._conclude(admission, found, silent)

    def _look(self, client: Client, admission: Admission) -> tuple[list[dict[str, str]], list[str]]:
        """Return what is reported, and where nothing is although something lives."""
        there = live.namespaces(client, [one.namespace for one in admission.environments])
        found: list[dict[str, str]] = []
        silent = []
        for environment in admission.environments:
            if environment.namespace not in there:
                continue
            names = self._names(admission, environment.name)
            reported = findings(self._read(client, environment.namespace), names)
            found += reported
            workloads = responsible(live.read(client, [environment.namespace])[environment.namespace])
            if not reported and any(True for _workload in workloads):
                silent.append(f"{environment.namespace} has workloads and no report yet")
        return found, silent

    def without_cluster(self) -> dict[str, Any]:
        """Nothing is reported without a cluster."""
        counts = dict.fromkeys(RESULTS, 0)
        return {"counts": counts, "violations": [], "warned": [], "not_proven": [], "passed": True}

    @staticmethod
    def _names(admission: Admission, name: str) -> dict[str, str]:
        environment = admission.environment(name)
        policies = [guard.policy.name for guard in admission.of(environment)]
        policies += [images.POLICY] if name in admission.trust else []
        return {object_name(environment, policy): policy for policy in policies}

    @staticmethod
    def _read(client: Client, namespace: str) -> list[dict[str, Any]]:
        try:
            return client.list_all(REPORTS.format(namespace), target=f"policy reports in {namespace}")[0]
        except status.ApiError as error:
            # Before Kyverno is there nobody reports, and what lives is named as not proven.
            if error.code != 404:
                raise
            return []

    def _conclude(self, admission: Admission, found: list[dict[str, str]], silent: list[str]) -> Plan:
        lenient = {one.namespace for one in admission.environments if one.action == "Warn"}
        said = [
            (each["namespace"], "{namespace}: {kind} {name}: {policy}: {reason}".format_map(each))
            for each in found
            if each["result"] in ("fail", "error")
        ]
        violations = [text for namespace, text in said if namespace not in lenient]
        counts = {result: sum(1 for each in found if each["result"] == result) for result in RESULTS}
        result = {
            "counts": counts,
            "violations": violations,
            "warned": [text for namespace, text in said if namespace in lenient],
            "not_proven": silent,
            "passed": not violations and not silent,
        }
        if not result["passed"] and not self.report_only:
            raise RampartError(
                f"Policies are broken by what lives: {'; '.join(violations or silent)}.",
                next_step="correct what is named, or except it; reports follow a change within minutes",
                **result,
            )
        return Plan(
            False, f"{counts['pass']} passed, {counts['fail'] + counts['error']} failed", result=result
        )
