# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Tries what must be refused, mostly as dry runs, and what a dry run cannot show for real."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live, warnings
from ansible_collections.rampart.k8s.plugins.module_utils._verify import admission
from ansible_collections.rampart.k8s.plugins.module_utils._verify.admission import Attempt
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import (
    ADMISSION,
    NAMESPACES,
    Cluster,
)
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate

# The policy of the role kyverno that is about the same.
PRIVILEGED = "privileged-containers"


class Heard(Enum):
    """What the server says to a Deployment with a bad template."""

    NOTHING = "nothing"
    WARNED = "warned"
    REFUSED = "refused"


def compare(attempt: Attempt, code: int, message: str) -> Proof:
    """Judge one dry run: refused by the right control, accepted, or refused for another reason."""
    negative = bool(attempt.refusal)
    if code < 300:
        verdict = Verdict.BROKEN if negative else Verdict.HELD
        return Proof(attempt.claim, verdict, negative, "it was accepted" if negative else "")
    if not negative:
        return Proof(attempt.claim, Verdict.BROKEN, False, message)
    if attempt.refusal in message:
        return Proof(attempt.claim, Verdict.HELD, True)
    return Proof(attempt.claim, Verdict.VACUOUS, True, f"it was refused for another reason: {message}")


class AdmissionVerify(ProofGate):
    """Pod Security, quotas, limits and the end of grants."""

    name = "admission_verify"
    control = "admission"
    claim = "what is refused"

    def depends_on(self, cluster: Cluster) -> dict[str, Any]:
        """Return the quotas and limits, and whatever has a say when an object is made."""
        spaces = sorted(environment["namespace"] for environment in self.parameters["environments"])
        kinds = ("resourcequotas", "limitranges", "serviceaccounts")
        own = [f"{NAMESPACES}/{name}/{kind}" for name in spaces for kind in kinds]
        return cluster.contents((*own, *ADMISSION))

    def outline(self, client: Client) -> str:
        """Count the tries."""
        standing = self._standing(client)
        return f"{len(self._tries(standing))} dry runs and {len(_guarded(standing))} refused Deployments"

    def prove(self, client: Client) -> list[Proof]:
        """Try everything in every environment."""
        standing = self._standing(client)
        proofs = [
            Proof(environment["namespace"], Verdict.NOT_PROVEN, True, "the namespace does not exist")
            for environment in self.parameters["environments"]
            if environment not in standing
        ]
        proofs += client.map(lambda attempt: self._try(client, attempt), self._tries(standing))
        guarded = _guarded(standing)
        if guarded:
            proofs += self._deploy(client, guarded, self.parameters["image"])
        return proofs

    def _standing(self, client: Client) -> list[Mapping[str, Any]]:
        environments = self.parameters["environments"]
        there = live.namespaces(client, [environment["namespace"] for environment in environments])
        return [environment for environment in environments if environment["namespace"] in there]

    def _tries(self, standing: list[Mapping[str, Any]]) -> list[Attempt]:
        parameters = self.parameters
        image = parameters["image"]
        tries = [attempt for environment in standing for attempt in admission.attempts(environment, image)]
        if parameters["grant_role"]:
            for environment in standing:
                tries += admission.grants(
                    environment["namespace"],
                    parameters["grant_role"],
                    parameters["grant_longest_hours"],
                    datetime.now(UTC),
                )
        return tries

    def _try(self, client: Client, attempt: Attempt) -> Proof:
        answer = client.transport.send("POST", attempt.path, query={"dryRun": "All"}, body=attempt.body)
        said = status.parse(answer.status, answer.body) if answer.status >= 300 else {}
        return compare(attempt, answer.status, str(said.get("message") or ""))

    def _deploy(self, client: Client, environments: list[Mapping[str, Any]], image: str) -> list[Proof]:
        """Make a Deployment with a bad template in each: it is admitted, and makes no pod."""
        namespaces = [environment["namespace"] for environment in environments]
        proofs = []
        with Bench(client, namespaces) as bench:
            name = f"rampart-probe-{bench.run}"
            wanted = {namespace: f"{namespace}/{name}" for namespace in namespaces}
            bodies = [admission.bad_deployment(namespace, name, image) for namespace in namespaces]
            for namespace, answer in zip(
                namespaces, client.map(lambda body: self._make(client, body), bodies), strict=True
            ):
                if answer is Heard.REFUSED:
                    # A policy was faster than the pods.
                    proofs.append(Proof(f"{namespace} refuses a privileged Deployment", Verdict.HELD, True))
                    del wanted[namespace]
                    continue
                warned = answer is Heard.WARNED
                claim = f"{namespace} warns of a Deployment with a privileged template"
                verdict = Verdict.HELD if warned else Verdict.BROKEN
                proofs.append(Proof(claim, verdict, False, "" if warned else "it says nothing"))
            if not wanted:
                return proofs
            refused, others = bench.wait(
                "/apis/apps/v1/deployments",
                wanted.values(),
                lambda item: bool(admission.replica_failure(item)),
                self.parameters["timeout"],
            )
            for namespace, full in wanted.items():
                claim = f"{namespace} refuses the pods of a Deployment with a privileged template"
                pods = client.list_all(
                    f"/api/v1/namespaces/{namespace}/pods",
                    query={"labelSelector": f"rampart.k8s/probe-name={name}"},
                )[0]
                proofs.append(judge_deployment(claim, refused.get(full) or others.get(full) or {}, len(pods)))
        return proofs

    def _make(self, client: Client, body: dict[str, Any]) -> Heard:
        namespace = body["metadata"]["namespace"]
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        answer = client.transport.send("POST", path, body=body)
        if answer.status >= 300:
            said = status.parse(answer.status, answer.body)
            if PRIVILEGED in str(said.get("message")):
                return Heard.REFUSED
            raise status.error("create", f"a probe Deployment in {namespace}", said)
        warned = warnings.of_template(warnings.parse(answer.headers.get("Warning") or ""))
        return Heard.WARNED if warned else Heard.NOTHING


def _guarded(standing: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in standing if each["pod_security"]["level"] != "privileged"]


def judge_deployment(claim: str, deployment: Mapping[str, Any], pods: int) -> Proof:
    """Judge what became of a Deployment with a bad template."""
    reason = admission.replica_failure(deployment)
    if pods:
        return Proof(claim, Verdict.BROKEN, True, f"{pods} pods were made")
    if "violates PodSecurity" in reason:
        return Proof(claim, Verdict.HELD, True)
    if reason:
        return Proof(claim, Verdict.VACUOUS, True, f"they were refused for another reason: {reason}")
    return Proof(claim, Verdict.NOT_PROVEN, True, "no controller tried to make its pods in time")
