# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Makes keys and certificates.

ECDSA on P-256 for everything that speaks TLS: each component and each client library of Kubernetes
takes it, the recommended cipher suites have it, its keys are made in a fraction of a millisecond
where one RSA key of the same strength (3072 bits) takes half a second, and its handshakes cost
the server a tenth. Ed25519 would be as good, but not all TLS clients accept it.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
from typing import TYPE_CHECKING, TypeAlias

from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import (
    Algorithm,
    Authority,
    Certificate,
    Usage,
)

with contextlib.suppress(ImportError):
    # Without it the module says what is missing before anything here is called.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

# Clocks of other machines may be a little behind.
BACKDATE = datetime.timedelta(minutes=5)

RSA_BITS = 2048


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a key for TLS."""
    return ec.generate_private_key(ec.SECP256R1())


def new_signing_key(algorithm: Algorithm) -> PrivateKey:
    """Make a key that signs tokens."""
    if algorithm == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return new_key()


def key_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def subject(common_name: str, organizations: tuple[str, ...] = ()) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in sorted(set(organizations))]
        + [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def alternative_names(certificate: Certificate) -> list[x509.GeneralName]:
    addresses = sorted({ipaddress.ip_address(address) for address in certificate.addresses}, key=str)
    return [
        *(x509.DNSName(name) for name in sorted(set(certificate.dns))),
        *(x509.IPAddress(address) for address in addresses),
    ]


def extended_usages(usages: tuple[Usage, ...]) -> list[x509.ObjectIdentifier]:
    known = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}
    return [known[usage] for usage in sorted(set(usages), reverse=True)]


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        # RFC 5480, section 3: with ECDSA keys digitalSignature is all that TLS needs.
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    name: x509.Name, issuer: x509.Name, key: PublicKey, now: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def issue_authority(wanted: Authority, key: PrivateKey, now: datetime.datetime) -> x509.Certificate:
    """Make the certificate of a root that signs end certificates only."""
    name = subject(wanted.common_name)
    end = now + datetime.timedelta(days=wanted.days)
    return (
        _builder(name, name, key.public_key(), now, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def end_of_life(
    wanted: Certificate, authority_end: datetime.datetime, now: datetime.datetime
) -> datetime.datetime:
    """A certificate never outlives its authority: verifiers would refuse it from then on."""
    return min(now + datetime.timedelta(days=wanted.days), authority_end)


def issue(
    wanted: Certificate,
    key: PrivateKey,
    authority: x509.Certificate,
    authority_key: PrivateKey,
    now: datetime.datetime,
) -> x509.Certificate:
    """Make the certificate of one component."""
    end = end_of_life(wanted, authority.not_valid_after_utc, now)
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(
            subject(wanted.common_name, wanted.organizations), authority.subject, key.public_key(), now, end
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(extended_usages(wanted.usages)), critical=False)
    )
    names = alternative_names(wanted)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority_key, hashes.SHA256())
