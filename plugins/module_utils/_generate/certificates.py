# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Certificates for servers and clients of an application, and the authorities that sign them."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate import key_pairs
from ansible_collections.rampart.k8s.plugins.module_utils._pki import issue
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import (
    Authority,
    Certificate,
    check_certificate,
    check_subject,
)

with contextlib.suppress(ImportError):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

Content = Mapping[str, bytes]

CERTIFICATE, KEY, BUNDLE = "tls.crt", "tls.key", "ca.crt"
ALGORITHM = "ec-p256"
# An authority signs with a digest, which Ed25519 does not take.
ALGORITHMS = ("ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096")
LEAF_DAYS, AUTHORITY_DAYS = 90, 3650
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


def wanted(options: Mapping[str, Any], name: str) -> Certificate:
    """Read what certificate a key's options describe, and refuse what no verifier would take."""
    dns = tuple(options.get("dns") or ())
    made = Certificate(
        name=name,
        authority=options.get("ca") or options.get("signer_name") or "",
        # Verifiers read the DNS names (RFC 9525); this one is for people.
        common_name=options.get("common_name") or next(iter(dns), ""),
        organizations=(),
        usages=tuple(options.get("usages") or ("server",)),
        dns=dns,
        addresses=tuple(options.get("addresses") or ()),
        days=int(options.get("days") or LEAF_DAYS),
    )
    if not made.authority:
        raise RampartError(
            f"The certificate in Secret {name} names nobody who signs it.",
            next_step="name ca (a Secret with an authority) or signer_name (of the Kubernetes API)",
        )
    if made.days < 1:
        raise RampartError(f"The certificate in Secret {name} lives for no day.", next_step="raise days")
    check_certificate(made, {made.authority}, 0)
    return made


def authority(options: Mapping[str, Any], name: str) -> Authority:
    """Read what authority a key's options describe."""
    made = Authority(name, options.get("common_name") or "", int(options.get("days") or AUTHORITY_DAYS))
    check_subject(name, made.common_name)
    if made.days < 1:
        raise RampartError(f"The authority in Secret {name} lives for no day.", next_step="raise days")
    return made


def _new(algorithm: str) -> SigningKey:
    return cast("SigningKey", key_pairs.new(algorithm))


def make_authority(one: Authority, algorithm: str, now: datetime.datetime) -> dict[str, bytes]:
    """Make an authority that trusts itself alone; the bundle of trust lies beside it."""
    key = _new(algorithm)
    pem = issue.certificate_pem(issue.issue_authority(one, key, now))
    return {CERTIFICATE: pem, KEY: key_pairs.private_pem(key), BUNDLE: pem}


def make(one: Certificate, algorithm: str, signer: Content, now: datetime.datetime) -> dict[str, bytes]:
    """Make a key and have it certified by the authority that another Secret holds."""
    try:
        certificate = x509.load_pem_x509_certificate(signer[CERTIFICATE])
        signing = cast("SigningKey", serialization.load_pem_private_key(signer[KEY], None))
    except (KeyError, ValueError, TypeError):
        raise RampartError(
            f"Secret {one.authority} holds no authority to sign {one.name} with.",
            next_step=f"declare it with the generator authority; it needs {CERTIFICATE} and {KEY}",
        ) from None
    if certificate.not_valid_after_utc <= now:
        raise RampartError(
            f"The authority in Secret {one.authority} has ended.", next_step="rotate it first (force)"
        )
    key = _new(algorithm)
    made = issue.issue(one, key, certificate, signing, now)
    return {
        CERTIFICATE: issue.certificate_pem(made),
        KEY: key_pairs.private_pem(key),
        BUNDLE: signer.get(BUNDLE) or signer[CERTIFICATE],
    }


def request(one: Certificate, algorithm: str) -> tuple[bytes, bytes]:
    """Make a key and ask for its certificate: the private key and the request, both as PEM."""
    key = _new(algorithm)
    builder = x509.CertificateSigningRequestBuilder().subject_name(issue.subject(one.common_name))
    names = issue.alternative_names(one)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(key, hashes.SHA256())
    return key_pairs.private_pem(key), made.public_bytes(serialization.Encoding.PEM)


def united(first: bytes, second: bytes) -> bytes:
    """Return a bundle that trusts the authorities of both, each once."""
    found = dict.fromkeys(pem.strip() for pem in (*_PEM.findall(first), *_PEM.findall(second)))
    return b"".join(pem + b"\n" for pem in found)


def life(pem: bytes) -> tuple[datetime.datetime, datetime.datetime] | None:
    """Return from when until when the first certificate of a PEM text holds."""
    found = _PEM.search(pem)
    if found is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(found.group(0))
    except ValueError:
        return None
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def fits(pem: bytes, one: Certificate) -> bool:
    """Say whether a certificate is for the names that are wanted."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = set(extension.value)
    except x509.ExtensionNotFound:
        names = set()
    except ValueError:
        return False
    return certificate.subject == issue.subject(one.common_name) and names == set(
        issue.alternative_names(one)
    )
