# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Pairs of keys: a private half in PKCS #8, a public half beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import serialization

with contextlib.suppress(ImportError):
    # Without it the first use of serialization says what is missing.
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

if TYPE_CHECKING:
    PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

EXPONENT = 65537


def _ed25519() -> PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


_MAKERS: dict[str, Callable[[], PrivateKey]] = {
    "ec-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ec-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": _ed25519,
    "rsa-2048": lambda: rsa.generate_private_key(EXPONENT, 2048),
    "rsa-3072": lambda: rsa.generate_private_key(EXPONENT, 3072),
    "rsa-4096": lambda: rsa.generate_private_key(EXPONENT, 4096),
}
ALGORITHMS = tuple(_MAKERS)
DEFAULT = "ed25519"


def check(algorithm: str, known: tuple[str, ...] = ALGORITHMS) -> None:
    """Refuse an algorithm that is not known."""
    if algorithm not in known:
        raise RampartError(
            f"There is no algorithm {algorithm!r} for this generator.",
            next_step=f"use one of {', '.join(known)}",
        )


def new(algorithm: str) -> PrivateKey:
    """Make a private key."""
    return _MAKERS[algorithm]()


def private_pem(key: PrivateKey) -> bytes:
    """Return the private half; nobody is asked for a passphrase, the Secret is what protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: PublicKey) -> bytes:
    """Return the public half."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def make(algorithm: str) -> tuple[bytes, bytes]:
    """Make both halves."""
    key = new(algorithm)
    return private_pem(key), public_pem(key.public_key())
