# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Proves each admission policy by an object that it refuses and one that it accepts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import (
    hearing,
    kyverno_proofs,
    places,
    proofs,
    rendering,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import Environment
from ansible_collections.rampart.k8s.plugins.module_utils._admission.proofs import Try
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import Admission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import ADMISSION, Cluster
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate


class PolicyVerify(ProofGate):
    """Every policy of every environment, and what the policy engine does by itself."""

    name = "policy_verify"
    control = "admission policies"
    claim = "what each policy refuses"

    def _admission(self) -> Admission:
        admission = rendering.read(self.parameters["definition"], datetime.now(UTC))
        return admission.with_signed(self.parameters["signed_image"])

    def depends_on(self, cluster: Cluster) -> dict[str, Any]:
        """Return whoever has a say when an object is made, with the exceptions that have not ended."""
        admission = self._admission()
        own = [*places.judges(admission), *places.others(admission)]
        engine = f"/apis/apps/v1/namespaces/{admission.namespace}/deployments"
        return {
            **cluster.contents((*ADMISSION, *own, engine)),
            "exceptions": sorted(one.name for one in admission.exemptions),
        }

    def outline(self, client: Client) -> str:
        """Count the tries."""
        admission = self._admission()
        standing = self._standing(client, admission)
        return f"{len(list(self._tries(admission, standing)))} dry runs in {len(standing)} environments"

    def prove(self, client: Client) -> list[Proof]:
        """Try everything."""
        admission = self._admission()
        standing = self._standing(client, admission)
        found = [
            Proof(one.namespace, Verdict.NOT_PROVEN, True, "the namespace does not exist")
            for one in admission.environments
            if one not in standing
        ]
        found += [
            Proof(f"{one.name}: image-signatures", Verdict.NOT_PROVEN, True, why)
            for one in standing
            if (why := self._why_no_images(admission, one))
        ]
        tries = list(self._tries(admission, standing))
        answers = client.map(lambda each: hearing.attempt(client, each.path, each.body), tries)
        found += [proofs.judge(each, answer) for each, answer in zip(tries, answers, strict=True)]
        if admission.engine == "kyverno" and standing:
            found += kyverno_proofs.prove(client, admission, standing, self.parameters["timeout"])
        return found

    def _standing(self, client: Client, admission: Admission) -> list[Environment]:
        there = live.namespaces(client, [one.namespace for one in admission.environments])
        return [one for one in admission.environments if one.namespace in there]

    def _why_no_images(self, admission: Admission, environment: Environment) -> str:
        if not environment.signatures:
            return ""
        if environment.name not in admission.trust:
            return "; ".join(said for said in admission.unenforced() if said.startswith(environment.name))
        named = self.parameters["signed_image"] and self.parameters["unsigned_image"]
        return "" if named else "no signed and no unsigned image is named to try it with"

    def _tries(self, admission: Admission, standing: list[Environment]) -> Iterator[Try]:
        signed, unsigned = self.parameters["signed_image"], self.parameters["unsigned_image"]
        for environment in standing:
            trusts = environment.name in admission.trust
            for each in proofs.of_policies(admission, environment):
                # Nobody has signed the samples: where that is asked, only refusals can be shown by them.
                if each.by or not trusts or signed:
                    yield each
            yield from proofs.of_exceptions(admission, environment)
            if trusts and signed and unsigned:
                yield from proofs.of_images(environment, signed, unsigned)
        if admission.engine == "kyverno" and standing:
            yield from proofs.outside(admission)
