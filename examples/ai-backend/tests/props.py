# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders as Kubernetes mounts them, keys as an issuer has them, tokens that they sign, and certificates."""

from __future__ import annotations

import datetime
import json
import socket
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

ISSUER, AUDIENCE = "https://issuer.test", "ai-backend-api"


class Mount:
    """A mounted Secret: all files change in one step, through one link."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    def write(self, **files: str) -> None:
        """Change the files; underscores stand for dots, and double ones for hyphens."""
        self._count += 1
        version = self.folder / f"..{self._count}"
        version.mkdir(parents=True)
        for name, content in files.items():
            name = name.replace("__", "-").replace("_", ".")
            (version / name).write_text(content)
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        (self.folder / "..new").symlink_to(version.name)
        (self.folder / "..new").rename(self.folder / "..data")


class Issuer:
    """Somebody with a private key, who signs."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def private(self) -> dict[str, Any]:
        return {**RSAAlgorithm.to_jwk(self.key, as_dict=True), "kid": self.kid, "use": "sig", "alg": "RS256"}

    def public(self) -> dict[str, Any]:
        return {name: self.private()[name] for name in ("kty", "n", "e", "kid", "use", "alg")}

    def sign(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 60, **changes}
        wanted = {name: value for name, value in claims.items() if value is not None}
        named = {"kid": self.kid, **(header or {})}
        headers = {name: value for name, value in named.items() if value is not None}
        return jwt.encode(wanted, self.key, algorithm="RS256", headers=headers)


def key_set(*issuers: Issuer) -> str:
    """Write the public keys as a set."""
    return json.dumps({"keys": [issuer.public() for issuer in issuers]})


def certificate(common_name: str) -> dict[str, str]:
    """Make a certificate for this machine that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return {
        "tls_crt": made.public_bytes(serialization.Encoding.PEM).decode(),
        "tls_key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
