# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks the API server what a Pod Security level would break, before the level lands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live, warnings
from ansible_collections.rampart.k8s.plugins.module_utils._policy.cluster_check import ClusterCheck
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import POD, Workload, responsible

PREFIX = "pod-security.kubernetes.io/"


def carries(namespace: Mapping[str, Any], mode: str, wanted: Mapping[str, str]) -> bool:
    """Say whether a namespace has the level, in this version, in one of the modes."""
    labels = namespace["metadata"].get("labels") or {}
    version = labels.get(f"{PREFIX}{mode}-version", "latest")
    return labels.get(f"{PREFIX}{mode}") == wanted["level"] and version == wanted["version"]


class PodSecurityCheck(ClusterCheck):
    """Compares everything live with the level; reads and tries, and changes nothing.

    The rules are not written down here: a template is sent back to the server unchanged as a dry
    run, in a namespace that warns at the level, and the server says what it would refuse.
    """

    name = "pod_security_check"

    def judge(self, client: Client) -> Plan:
        """Judge the namespaces whose label would change."""
        self._client = client
        self._wanted = {each["name"]: each for each in self.parameters["namespaces"]}
        there = live.namespaces(self._client, self._wanted)
        changing = {
            name: item for name, item in there.items() if not carries(item, "enforce", self._wanted[name])
        }
        found = live.read(self._client, changing)
        breaks: list[dict[str, str]] = []
        not_judged: list[str] = []
        for name, item in changing.items():
            warned = carries(item, "warn", self._wanted[name])
            workloads = list(responsible(found[name]))
            if warned:
                breaks += self._judge(name, workloads)
            elif any(workload.kind is not POD for workload in workloads):
                not_judged.append(f"the workloads of {name}, which does not warn at the level yet")
            breaks += self._left_over(name, breaks)
        if changing and self.ledger.writes:
            self.subject = self.cluster(client)
        return self._conclude(len(changing), breaks, not_judged)

    def without_cluster(self) -> dict[str, Any]:
        """Where nothing is, nothing breaks."""
        return {"breaks": [], "violations": [], "not_judged": [], "passed": True}

    def _judge(self, namespace: str, workloads: Sequence[Workload]) -> list[dict[str, str]]:
        reasons = self._client.map(lambda workload: self._reason(namespace, workload), workloads)
        return [
            {"namespace": namespace, "kind": workload.kind.kind, "name": workload.name, "reason": reason}
            for workload, reason in zip(workloads, reasons, strict=True)
            if reason
        ]

    def _reason(self, namespace: str, workload: Workload) -> str:
        if workload.kind is POD:
            # A pod is judged when it is made, not when it is patched: try to make its twin.
            spec = {key: value for key, value in workload.pod_spec.items() if key != "nodeName"}
            labels = workload.item["metadata"].get("labels") or {}
            twin = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"generateName": "rampart-twin-", "labels": labels},
                "spec": spec,
            }
            method, path, body, content = "POST", POD.path(namespace), twin, "application/json"
        else:
            method, path, body, content = "PATCH", workload.kind.path(namespace, workload.name), {}, MERGE
        answer = self._client.transport.send(
            method, path, query={"dryRun": "All"}, body=body, content_type=content
        )
        said = warnings.parse(answer.headers.get("Warning") or "")
        failed = status.parse(answer.status, answer.body) if answer.status >= 300 else {}
        reason = warnings.of_template(said, str(failed.get("message") or ""))
        if reason or answer.status < 300 or answer.status == 404:
            return reason
        if workload.kind is POD and "exceeded quota" in str(failed.get("message")):
            # There is no room for a twin; the level was judged before the quota, and it held.
            return ""
        raise status.error("judge", f"{workload} in {namespace}", failed)

    def _left_over(self, namespace: str, known: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
        """Try the label itself: the server judges the live pods, those of old templates included."""
        wanted = self._wanted[namespace]
        labels = {f"{PREFIX}enforce": wanted["level"], f"{PREFIX}enforce-version": wanted["version"]}
        answer = self._client.transport.send(
            "PATCH",
            f"/api/v1/namespaces/{namespace}",
            query={"dryRun": "All"},
            body={"metadata": {"labels": labels}},
            content_type=MERGE,
        )
        if answer.status >= 300:
            raise status.error(
                "try the level on", f"Namespace {namespace}", status.parse(answer.status, answer.body)
            )
        if any(each["namespace"] == namespace for each in known):
            return []
        named = warnings.of_namespace(warnings.parse(answer.headers.get("Warning") or ""))
        return [
            {"namespace": namespace, "kind": "Pod", "name": pod, "reason": reason}
            for pod, _unused, reason in (line.partition(": ") for line in named)
        ]

    def _conclude(self, changing: int, breaks: list[dict[str, str]], not_judged: list[str]) -> Plan:
        violations = [
            f"{each['namespace']}: {each['kind']} {each['name']}: {each['reason']}" for each in breaks
        ]
        result = {
            "breaks": breaks,
            "violations": violations,
            "not_judged": not_judged,
            "passed": not violations and not not_judged,
        }
        lenient = self.parameters["force"] or self.report_only
        if violations and not lenient:
            raise RampartError(
                f"The Pod Security level would break {len(violations)} workloads: {'; '.join(violations)}.",
                next_step="correct them, or set pod_security_force to enforce it although they will not "
                "come up again",
                **result,
            )
        if not_judged and not (lenient or self.check_mode):
            raise RampartError(
                f"Could not judge {'; '.join(not_judged)}: the level is not enforced unseen.",
                next_step="run role rampart.k8s.namespaces first, which sets the label warn",
                **result,
            )
        if not changing:
            return Plan(False, "no namespace changes its level", result=result)
        return Plan(False, f"{len(violations)} workloads would break in {changing} namespaces", result=result)
