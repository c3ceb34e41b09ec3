# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Says what the admission policies would break, before they are enforced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import hearing, places, rendering
from ansible_collections.rampart.k8s.plugins.module_utils._admission.candidates import Candidates
from ansible_collections.rampart.k8s.plugins.module_utils._admission.kyverno import ROLE
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import Admission
from ansible_collections.rampart.k8s.plugins.module_utils._admission.twins import ALL, INGRESS, twin
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live
from ansible_collections.rampart.k8s.plugins.module_utils._policy.cluster_check import ClusterCheck
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import Workload, responsible

SELECTOR = ",".join(f"{name}={value}" for name, value in ROLE.items())


class PolicyCheck(ClusterCheck):
    """Compares everything live with the policies that are to land; changes nothing for good.

    No rule is applied here: the policies themselves are put beside what is enforced, only warning, and the
    twin of each live object is sent as a dry run. What they warn of is what they would refuse.
    """

    name = "policy_check"

    def judge(self, client: Client) -> Plan:
        """Judge what is live in the environments whose policies change."""
        self._client = client
        admission = rendering.read(self.parameters["definition"], datetime.now(UTC))
        landing = self._landing(admission)
        there = live.namespaces(client, [one.namespace for one in admission.environments])
        workloads = {
            one.name: self._workloads(one.namespace)
            for one in admission.environments
            if landing.get(one.name) and one.namespace in there
        }
        count = sum(len(policies) for policies in landing.values())
        # Where nothing lives, nothing can break.
        chosen = {name: landing[name] for name, found in workloads.items() if found}
        judged = sum(len(workloads[name]) for name in chosen)
        breaks: list[dict[str, str]] = []
        not_judged: list[str] = []
        if chosen and not self.check_mode:
            with Candidates(client, admission, chosen, self.parameters["timeout"]) as candidates:
                for one in admission.environments:
                    if one.name in chosen:
                        names = candidates.names(one.name)
                        self._judge(one.namespace, workloads[one.name], names, breaks, not_judged)
        if chosen and self.ledger.writes:
            self.subject = self.cluster(client)
        return self._conclude(admission, count, judged, breaks, not_judged)

    def without_cluster(self) -> dict[str, Any]:
        """Where nothing is, nothing breaks."""
        return {
            "landing": 0,
            "breaks": [],
            "violations": [],
            "not_judged": [],
            "unenforced": [],
            "passed": True,
        }

    def _landing(self, admission: Admission) -> dict[str, list[str]]:
        """Return by environment the policies that are not enforced yet as they are defined."""
        enforced = {}
        for path in places.judges(admission):
            try:
                items = self._client.list_all(path, query={"labelSelector": SELECTOR}, target=path)[0]
            except status.ApiError as error:
                if error.code != 404:
                    raise
                items = []
            for item in items:
                notes = item["metadata"].get("annotations") or {}
                enforced[item["metadata"]["name"]] = notes.get(rendering.DIGEST)
        landing = {}
        for environment in admission.environments:
            made = rendering.judging(admission, environment, environment.action)
            landing[environment.name] = [
                policy
                for policy, (first, *_others) in made.items()
                if enforced.get(first["metadata"]["name"])
                != first["metadata"]["annotations"][rendering.DIGEST]
            ]
        return landing

    def _workloads(self, namespace: str) -> list[Workload]:
        found = live.read(self._client, [namespace], ALL)[namespace]
        ingresses = [Workload(INGRESS, item) for item in found[INGRESS.kind]]
        return [*responsible(found), *ingresses]

    def _judge(
        self,
        namespace: str,
        workloads: Sequence[Workload],
        names: Mapping[str, str],
        breaks: list[dict[str, str]],
        not_judged: list[str],
    ) -> None:
        def ask(workload: Workload) -> hearing.Answer:
            sent = twin(workload, namespace)
            return hearing.attempt(self._client, sent.path, sent.body)

        for workload, answer in zip(workloads, self._client.map(ask, workloads), strict=True):
            spoken = [each for each in answer.objections if each.name in names]
            breaks += [
                {
                    "namespace": namespace,
                    "kind": workload.kind.kind,
                    "name": workload.name,
                    "policy": names[each.name],
                    "reason": each.why,
                }
                for each in spoken
            ]
            if not spoken and not answer.accepted:
                not_judged.append(f"{namespace}: {workload}: {answer.message}")

    def _conclude(
        self,
        admission: Admission,
        count: int,
        judged: int,
        breaks: list[dict[str, str]],
        not_judged: list[str],
    ) -> Plan:
        violations = [
            f"{each['namespace']}: {each['kind']} {each['name']}: {each['policy']}: {each['reason']}"
            for each in breaks
        ]
        result = {
            "landing": count,
            "breaks": breaks,
            "violations": violations,
            "not_judged": not_judged,
            "unenforced": admission.unenforced(),
            "passed": not violations and not not_judged,
        }
        lenient = self.parameters["force"] or self.report_only
        if violations and not lenient:
            broken = {(each["namespace"], each["kind"], each["name"]) for each in breaks}
            raise RampartError(
                f"The admission policies would break {len(broken)} live objects: {'; '.join(violations)}.",
                next_step="correct them, except them in the file of exceptions, or set kyverno_force to "
                "enforce the policies although they will not come up again",
                **result,
            )
        if not_judged and not lenient:
            raise RampartError(
                f"Could not judge {'; '.join(not_judged)}: the policies are not enforced unseen.",
                next_step="repair what refuses them already, or set kyverno_force",
                **result,
            )
        if not count:
            return Plan(False, "every policy is enforced as it is defined", result=result)
        if self.check_mode and judged:
            return Plan(False, f"would judge {judged} live objects by {count} policies", result=result)
        return Plan(
            False, f"{len(violations)} objections of {count} policies to {judged} live objects", result=result
        )
