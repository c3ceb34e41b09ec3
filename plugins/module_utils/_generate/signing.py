# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Certificates from a signer of the Kubernetes API (``certificates.k8s.io``)."""

from __future__ import annotations

import base64
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate import certificates
from ansible_collections.rampart.k8s.plugins.module_utils._generate.make import Sign
from ansible_collections.rampart.k8s.plugins.module_utils._kube import access, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import Certificate
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition

GROUP = "certificates.k8s.io"
REQUESTS = f"/apis/{GROUP}/v1/certificatesigningrequests"
TIMEOUT = 60.0
_USAGES = {"server": "server auth", "client": "client auth"}


def permissions(definition: Definition) -> list[Permission]:
    """Return what asking the signers of a secret takes."""
    signers = sorted(
        {str(key.options["signer_name"]) for key in definition.keys if key.options.get("signer_name")}
    )
    if not signers:
        return []
    asked = access.permissions(
        "",
        (GROUP, "certificatesigningrequests", ("get", "list", "watch", "create", "delete")),
        (GROUP, "certificatesigningrequests/approval", ("update",)),
    )
    approved = [Permission("approve", GROUP, "signers", name=name) for name in signers]
    return [*asked, *approved, Permission("get", "", "configmaps", definition.namespace)]


def signer(client: Client, rotation: str, namespace: str) -> Sign:
    """Return what asks a signer for the certificates of one rotation."""

    def sign(one: Certificate, signer_name: str, algorithm: str) -> dict[str, bytes]:
        key, request = certificates.request(one, algorithm)
        name = names.shortened(f"{namespace}.{one.name}.{rotation}", names.LONGEST_NAME)
        target = f"CertificateSigningRequest {name}"
        # One of a killed run was for a key that nobody has.
        client.delete(f"{REQUESTS}/{name}", target=target)
        try:
            client.call(
                "POST", REQUESTS, body=_body(one, signer_name, name, request), target=target, verb="create"
            )
            _approve(client, name, target)
            pem = _await(client, name, target)
        finally:
            client.delete(f"{REQUESTS}/{name}", target=target)
        return {
            certificates.CERTIFICATE: pem,
            certificates.KEY: key,
            certificates.BUNDLE: _roots(client, namespace),
        }

    return sign


def _body(one: Certificate, signer_name: str, name: str, request: bytes) -> dict[str, Any]:
    usages = ["digital signature", *(_USAGES[usage] for usage in one.usages)]
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {
            "signerName": signer_name,
            "request": base64.b64encode(request).decode("ascii"),
            "usages": usages,
            "expirationSeconds": one.days * 86400,
        },
    }


def _approve(client: Client, name: str, target: str) -> None:
    found = client.get(f"{REQUESTS}/{name}", target=target)
    approved = {
        "type": "Approved",
        "status": "True",
        "reason": "RampartRotation",
        "message": "asked for by a rotation of rampart.k8s",
    }
    found.setdefault("status", {})["conditions"] = [approved]
    client.call("PUT", f"{REQUESTS}/{name}/approval", body=found, target=target, verb="approve")


def _await(client: Client, name: str, target: str) -> bytes:
    def decide(found: dict[str, Any] | None) -> bytes | None:
        stated = (found or {}).get("status") or {}
        for condition in stated.get("conditions") or []:
            if condition.get("type") in ("Failed", "Denied"):
                raise RampartError(
                    f"{target} was refused by its signer: {condition.get('message') or condition['type']}.",
                    next_step="correct signer_name, usages and names",
                )
        return base64.b64decode(stated["certificate"]) if stated.get("certificate") else None

    client.transport.extend(TIMEOUT)
    pem = watching.until(client, REQUESTS, name, decide, TIMEOUT)
    if pem is None:
        raise RampartError(
            f"{target} was not signed within {TIMEOUT:g} s.",
            next_step="see whether anybody serves this signer_name",
        )
    return pem


def _roots(client: Client, namespace: str) -> bytes:
    """Return whom pods trust by default: the cluster publishes its authority in each namespace."""
    path = f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt"
    found = client.find(path, target=f"ConfigMap {namespace}/kube-root-ca.crt") or {}
    return str((found.get("data") or {}).get("ca.crt") or "").encode()
