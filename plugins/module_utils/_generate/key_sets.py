# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Keys that sign tokens, as sets of JSON Web Keys (RFC 7517, 7518, 8037), each with its thumbprint as kid.

The first key of a private set is the one to sign with; every key of a public set is one to accept.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import serialization
from ansible_collections.rampart.k8s.plugins.module_utils._generate import key_pairs

with contextlib.suppress(ImportError):
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

PAIRS = {"EdDSA": "ed25519", "ES256": "ec-p256", "ES384": "ec-p384", "RS256": "rsa-3072"}
SHARED = "HS256"
ALGORITHMS = (*PAIRS, SHARED)
DEFAULT = "ES256"
SHARED_BYTES = 32

# RFC 7638: the members that make a key what it is, by type; they are public but in an oct key.
_ESSENTIAL = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
_PUBLIC = ("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _number(value: int, size: int = 0) -> str:
    return _text(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _members(key: key_pairs.PrivateKey) -> dict[str, str]:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers, size = key.private_numbers(), (key.curve.key_size + 7) // 8
        point = numbers.public_numbers
        names = {"secp256r1": "P-256", "secp384r1": "P-384"}
        return {
            "kty": "EC",
            "crv": names[key.curve.name],
            "x": _number(point.x, size),
            "y": _number(point.y, size),
            "d": _number(numbers.private_value, size),
        }
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = serialization.Encoding.Raw
        public = key.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
        private = key.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        return {"kty": "OKP", "crv": "Ed25519", "x": _text(public), "d": _text(private)}
    secret = key.private_numbers()
    known = secret.public_numbers
    return {
        "kty": "RSA",
        "n": _number(known.n),
        "e": _number(known.e),
        "d": _number(secret.d),
        "p": _number(secret.p),
        "q": _number(secret.q),
        "dp": _number(secret.dmp1),
        "dq": _number(secret.dmq1),
        "qi": _number(secret.iqmp),
    }


def _thumbprint(members: Mapping[str, str]) -> str:
    essential = {name: members[name] for name in _ESSENTIAL[members["kty"]]}
    return _text(
        hashlib.sha256(json.dumps(essential, sort_keys=True, separators=(",", ":")).encode()).digest()
    )


def _packed(keys: Iterable[Mapping[str, Any]]) -> bytes:
    return json.dumps({"keys": list(keys)}, separators=(",", ":")).encode()


def make(algorithm: str) -> bytes:
    """Make a private set of one key."""
    if algorithm == SHARED:
        # The thumbprint of a shared key would be a plain hash of a secret; a name by chance says nothing.
        members = {"kty": "oct", "k": _text(secrets.token_bytes(SHARED_BYTES))}
        kid = _text(secrets.token_bytes(16))
    else:
        members = _members(key_pairs.new(PAIRS[algorithm]))
        kid = _thumbprint(members)
    return _packed([{**members, "kid": kid, "alg": algorithm, "use": "sig"}])


def keys_of(content: bytes | None, where: str) -> list[dict[str, Any]]:
    """Read a set; what is none cannot be overlapped with anything."""
    if not content:
        return []
    try:
        keys = json.loads(content)["keys"]
        if not all(isinstance(key, dict) and isinstance(key["kid"], str) for key in keys):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise RampartError(
            f"{where} is no set of JSON Web Keys with a kid each.",
            next_step="replace it by one, or delete the Secret so that a new one is made",
        ) from None
    return list(keys)


def public(private: bytes, where: str) -> bytes:
    """Return what verifiers may know of a private set; a shared key has no such half."""
    keys = keys_of(private, where)
    if any(key.get("kty") == "oct" for key in keys):
        raise RampartError(
            f"{where} holds a shared key ({SHARED}), of which nothing may be published.",
            next_step=f"let the verifiers read that Secret itself, or sign with one of {', '.join(PAIRS)}",
        )
    return _packed({name: key[name] for name in _PUBLIC if name in key} for key in keys)


def united(first: bytes, second: bytes, where: str) -> bytes:
    """Return a set with the keys of both; what comes first is signed with."""
    found = {key["kid"]: key for key in keys_of(first, where)}
    for key in keys_of(second, where):
        found.setdefault(key["kid"], key)
    return _packed(found.values())
