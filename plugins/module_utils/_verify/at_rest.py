# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes a Secret through the API and reads it from etcd itself: its bytes must say nothing."""

from __future__ import annotations

import base64
import secrets

from ansible_collections.rampart.k8s.plugins.module_utils._encryption import census
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Endpoint, Gateway
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate


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


class EncryptionVerify(ProofGate):
    """Makes one Secret and removes it again.

    It is always proved anew: with which key a server writes cannot be read from outside.
    """

    name = "encryption_verify"
    control = "encryption at rest"
    claim = "that etcd holds no readable Secret"

    def outline(self, _client: Client) -> str:
        """Nothing has to be read for it."""
        return self.claim

    def prove(self, client: Client) -> list[Proof]:
        """Write, read past the API, compare."""
        parameters = self.parameters
        if not parameters["endpoint"]:
            claim = "a Secret is unreadable in etcd"
            return [Proof(claim, Verdict.NOT_PROVEN, True, "etcd cannot be read from here")]
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
