# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks: a token signed by a key of the mounted set, for this audience, from this issuer, not expired.

Keys rotate by their ``kid``: a set with the old and the new key accepts both, and a key that left the set
is refused with the next request. Nothing is fetched over the network.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from kit.mounted import Mounted
from prometheus_client import Counter, Gauge

# The one algorithm: a token does not choose how it is judged.
ALGORITHM = "RS256"
LEEWAY_SECONDS = 10
LONGEST_TOKEN = 8192

REFUSED = Counter("jwt_refused_total", "Tokens that were refused, by reason.", ["reason"])
ACCEPTED = Counter("jwt_accepted_total", "Tokens that were accepted, by key.", ["kid"])
KEYS = Gauge("jwt_keys", "Keys of the mounted set.")

_log = logging.getLogger(__name__)


class RefusedError(Exception):
    """The token is not accepted; the reason is for logs, never for the caller."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    subject: str
    scopes: frozenset[str]


def parse(files: Mapping[str, bytes]) -> dict[str, jwt.PyJWK]:
    """Read a set of public keys by their identities; one without or with a private part is no use."""
    keys = {}
    for entry in json.loads(files["jwks.json"])["keys"]:
        if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
            continue
        if "d" in entry:
            raise ValueError("a private key is mounted where a public one belongs")
        keys[str(entry["kid"])] = jwt.PyJWK(entry, algorithm=ALGORITHM)
    if not keys:
        raise ValueError("no key to verify with")
    KEYS.set(len(keys))
    return keys


class Tokens:
    """Judges tokens."""

    def __init__(self, folder: Path, issuer: str, audience: str) -> None:
        self._keys: Mounted[dict[str, jwt.PyJWK]] = Mounted(folder, ("jwks.json",), parse)
        self._issuer = issuer
        self._audience = audience

    def load(self) -> None:
        """Read the keys; raises MountError when there are none."""
        self._keys.value()

    def caller(self, token: str) -> Caller:
        """Return who shows a token, or raise RefusedError."""
        try:
            return self._judge(token)
        except (jwt.InvalidTokenError, RefusedError) as error:
            reason = type(error).__name__ if isinstance(error, jwt.InvalidTokenError) else str(error)
            REFUSED.labels(reason).inc()
            _log.warning("token refused", extra={"event": "authentication_failed", "reason": reason})
            raise RefusedError(reason) from None

    def _judge(self, token: str) -> Caller:
        if len(token) > LONGEST_TOKEN:
            raise RefusedError("too long")
        kid = jwt.get_unverified_header(token).get("kid")
        key = self._keys.value().get(kid) if isinstance(kid, str) else None
        if key is None:
            raise RefusedError("unknown key")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=self._audience,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        ACCEPTED.labels(kid).inc()
        return Caller(str(claims["sub"]), frozenset(str(claims.get("scope", "")).split()))
