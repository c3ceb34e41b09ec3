# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The key that signs evidence: made in the store when it is first used, never shown."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import (
    crypto_exceptions,
    ed25519,
    serialization,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRIVATE = "signing.key"
PUBLIC = "signing.pub"

ID_LENGTH = 16


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Checks signatures."""

    key: Ed25519PublicKey

    @property
    def id(self) -> str:
        """A short name, the same wherever the key lies."""
        raw = self.key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return hashlib.sha256(raw).hexdigest()[:ID_LENGTH]

    def signed(self, content: bytes, signature: str) -> bool:
        """Say whether the signature was made over this content with the key's other half."""
        try:
            self.key.verify(base64.b64decode(signature, validate=True), content)
        except (ValueError, crypto_exceptions.InvalidSignature):
            return False
        return True

    @classmethod
    def read(cls, path: Path) -> PublicKey:
        """Read a public key in PEM."""
        try:
            key = serialization.load_pem_public_key(path.read_bytes())
        except OSError as error:
            raise RampartError(
                f"The public key {path} cannot be read: {error.strerror}.",
                next_step="name the public key that was kept when the store was made",
            ) from error
        except ValueError as error:
            raise _no_key(path) from error
        if not isinstance(key, ed25519.Ed25519PublicKey):
            raise _no_key(path)
        return cls(key)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Makes signatures."""

    key: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """The half that may be given away."""
        return PublicKey(self.key.public_key())

    def sign(self, content: bytes) -> str:
        """Sign content."""
        return base64.b64encode(self.key.sign(content)).decode("ascii")

    @classmethod
    def read(cls, path: Path) -> SigningKey:
        """Read a private key in PEM; others must not be able to read it too."""
        try:
            loose = path.stat().st_mode & 0o077
            content = path.read_bytes()
        except OSError as error:
            raise RampartError(
                f"The signing key {path} cannot be read: {error.strerror}.",
                next_step="give it back from its backup, or move the store aside: a new one begins then",
            ) from error
        if loose:
            raise RampartError(
                f"The signing key {path} can be read by others than its owner.",
                next_step=f"chmod 0600 {path}, and find out who could have read it",
            )
        try:
            key = serialization.load_pem_private_key(content, None)
        except (ValueError, TypeError) as error:
            raise _no_key(path) from error
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise _no_key(path)
        return cls(key)

    @classmethod
    def create(cls, path: Path) -> SigningKey:
        """Make a key and keep it where only its owner reads it."""
        key = ed25519.Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_atomic(path, pem, mode=0o600)
        return cls(key)

    def publish(self, path: Path) -> None:
        """Put the public half beside it."""
        pem = self.public.key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        write_atomic(path, pem, mode=0o644)


def _no_key(path: Path) -> RampartError:
    return RampartError(
        f"{path} holds no Ed25519 key in PEM without a password.",
        next_step="name the right file",
    )
