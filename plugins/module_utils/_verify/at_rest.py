# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes a Secret through the API and reads it from etcd itself: its bytes must say nothing."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import census
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Endpoint, Gateway
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy.cluster_check import ClusterCheck
from ansible_collections.rampart.k8s.plugins.module_utils._verify import gate, objects
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict

CONTROL = "encryption at rest"


def judge(stored: bytes | None, canary: bytes) -> list[Proof]:
    """Judge what etcd holds of the canary's Secret."""
    shown = "the Secret stands in this etcd"
    if stored is None:
        # Nothing unreadable was seen: this may be another cluster's etcd.
        return [Proof(shown, Verdict.BROKEN, False, "its key is not there")]
    proofs = [Proof(shown, Verdict.HELD, False)]
    envelope = census.classify(stored)
    encrypted = envelope.provider not in (census.PLAINTEXT, census.UNKNOWN, "identity")
    proofs.append(
        Proof(
            "its value is encrypted by the API server",
            Verdict.HELD if encrypted else Verdict.BROKEN,
            True,
            "" if encrypted else f"it is stored as {envelope.provider}",
        )
    )
    leaks = any(form in stored for form in (canary, base64.b64encode(canary).rstrip(b"=")))
    proofs.append(
        Proof(
            "its bytes do not hold the secret",
            Verdict.BROKEN if leaks else Verdict.HELD,
            True,
            "the canary can be read in them" if leaks else "",
        )
    )
    return proofs


class EncryptionVerify(ClusterCheck):
    """Makes one Secret and removes it again."""

    def without_cluster(self) -> dict[str, Any]:
        """Nothing is proved without a cluster."""
        return gate.would(CONTROL, "that etcd holds no readable Secret").result

    def judge(self, client: Client) -> Plan:
        """Write, read past the API, compare."""
        parameters = self.parameters
        if self.check_mode:
            return gate.would(CONTROL, "that etcd holds no readable Secret")
        if not parameters["endpoint"]:
            claim = "a Secret is unreadable in etcd"
            proofs = [Proof(claim, Verdict.NOT_PROVEN, True, "etcd cannot be read from here")]
        else:
            proofs = self._prove(client)
        return gate.conclude(
            CONTROL,
            proofs,
            report_only=self.report_only,
            allow_not_proven=parameters["allow_not_proven"],
        )

    def _prove(self, client: Client) -> list[Proof]:
        parameters = self.parameters
        canary = secrets.token_hex(24)
        self.redactor.add(canary)
        gateway = Gateway(
            Endpoint(
                parameters["endpoint"],
                parameters["ca_cert"],
                parameters["client_cert"],
                parameters["client_key"],
            )
        )
        with Bench(client, ()) as bench:
            name = f"rampart-probe-{bench.run}"
            body = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": name,
                    "namespace": objects.NAMESPACE,
                    "labels": {objects.LABEL: "true"},
                },
                "data": {"canary": base64.b64encode(canary.encode()).decode()},
            }
            bench.create([body])
            key = f"{parameters['prefix']}/secrets/{objects.NAMESPACE}/{name}".encode()
            try:
                found = {value.key: value.value for value in gateway.values(key, gateway.revision())}
            finally:
                gateway.close()
        return judge(found.get(key), canary.encode())
