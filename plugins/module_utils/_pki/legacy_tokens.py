# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Has service-account tokens that lie in Secrets signed anew: they never end, so no overlap outlasts them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import serialization
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._pki.overlap import blocks

SECRETS = "/api/v1/secrets"
OF_TOKENS = {"fieldSelector": "type=kubernetes.io/service-account-token"}

Object = Mapping[str, Any]


def key_id(public_pem: bytes) -> str:
    """Return the name that tokens have for a key: the API server's hash of it (RFC 7517 leaves it open)."""
    key = serialization.load_pem_public_key(public_pem)
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _base64url(hashlib.sha256(der).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def signed_with(token: str) -> str:
    """Return the name of the key that signed a token; empty for what is no token."""
    header = token.partition(".")[0]
    try:
        read = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        return str(read["kid"])
    except (binascii.Error, KeyError, TypeError, ValueError):
        return ""


class LegacyTokens:
    """The operation behind the module legacy_tokens."""

    def __init__(self, client: Client, public: bytes, redactor: Redactor, *, timeout: float) -> None:
        first = blocks(public)
        if not first:
            raise RampartError(
                "The file of the public key holds none.",
                next_step="give the file with the key that signs first",
            )
        self._wanted = key_id(first[0])
        self._client = client
        self._redactor = redactor
        self._timeout = timeout

    def plan(self) -> Plan:
        """Find the tokens of other keys."""
        found, _version = self._client.list_all(SECRETS, query=OF_TOKENS, target="the tokens in Secrets")
        stale = sorted(_named(secret) for secret in found if self._is_stale(secret))
        return Plan(
            bool(stale),
            f"signed with another key: {', '.join(stale)}"
            if stale
            else "no token is signed with another key",
            dict.fromkeys(stale, "signed with another key"),
            dict.fromkeys(stale, f"signed with {self._wanted[:8]}"),
            {"renewed": stale, "tokens": len(found)},
        )

    def apply(self, plan: Plan) -> Plan:
        """Take these tokens out of their Secrets, and wait until the controller has put new ones in."""
        self._client.transport.extend(self._timeout)
        for name in plan.result["renewed"]:
            failpoint("renew-token")
            namespace, _slash, secret = name.partition("/")
            path = f"/api/v1/namespaces/{namespace}/secrets/{secret}"
            target = f"Secret {name}"
            self._client.call(
                "PATCH", path, body={"data": {"token": None}}, content_type=MERGE, target=target
            )
        waiting = set(plan.result["renewed"])
        deadline = time.monotonic() + self._timeout
        for event in watching.follow(self._client, SECRETS, OF_TOKENS, deadline):
            gone = event.type == "DELETED"
            waiting -= {_named(secret) for secret in event.objects if gone or self._is_fresh(secret)}
            if not waiting:
                return plan
        raise RampartError(
            f"{len(waiting)} tokens were not signed anew after {self._timeout:g} s: "
            f"{', '.join(sorted(waiting))}.",
            next_step="look whether kube-controller-manager runs with the new key, then run again",
            waiting=sorted(waiting),
        )

    def _token(self, secret: Object) -> str:
        encoded = str((secret.get("data") or {}).get("token") or "")
        token = base64.b64decode(encoded).decode("utf-8", errors="replace")
        if token:
            self._redactor.add(token, encoded)
        return token

    def _is_stale(self, secret: Object) -> bool:
        token = self._token(secret)
        return bool(token) and signed_with(token) != self._wanted

    def _is_fresh(self, secret: Object) -> bool:
        return signed_with(self._token(secret)) == self._wanted


def _named(secret: Object) -> str:
    return f"{secret['metadata']['namespace']}/{secret['metadata']['name']}"
