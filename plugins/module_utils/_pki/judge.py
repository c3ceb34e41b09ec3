# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Judges the keys and certificates that exist: may they stay, and if not, why."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._pki import issue
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import Authority, Certificate

with contextlib.suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID

if TYPE_CHECKING:
    from ansible_collections.rampart.k8s.plugins.module_utils._pki.issue import PrivateKey


MISSING = "it does not exist"
CERTIFICATE_MISSING = "its certificate does not exist"
KEY_MISSING = "its key does not exist"
UNREADABLE = "its certificate cannot be read"
KEY_UNREADABLE = "its key cannot be read"
MISMATCH = "its key belongs to another certificate"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its key, as far as they could be read."""

    certificate: x509.Certificate | None
    key: PrivateKey | None
    trouble: str = ""


def load_key(pem: bytes) -> PrivateKey | None:
    """Read a private key; None when it is none that we make."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) else None


def load_pair(certificate_pem: bytes | None, key_pem: bytes | None) -> Pair:
    """Read both files; ``trouble`` says what is wrong with them by themselves.

    Of several certificates in a file the one that belongs to the key is meant; the others are trusted
    besides.
    """
    certificates, trouble = [], ""
    if certificate_pem is None:
        trouble = CERTIFICATE_MISSING
    else:
        try:
            certificates = x509.load_pem_x509_certificates(certificate_pem)
        except ValueError:
            trouble = UNREADABLE
    certificate = certificates[0] if certificates else None
    if key_pem is None:
        return Pair(certificate, None, MISSING if certificate_pem is None else KEY_MISSING)
    key = load_key(key_pem)
    if key is None:
        return Pair(certificate, None, KEY_UNREADABLE)
    if certificates:
        matching = [item for item in certificates if item.public_key() == key.public_key()]
        certificate, trouble = (matching[0], trouble) if matching else (certificate, MISMATCH)
    return Pair(certificate, key, trouble)


def _extension(certificate: x509.Certificate, kind: type[Any]) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None


def _names(certificate: x509.Certificate) -> set[str]:
    found = _extension(certificate, x509.SubjectAlternativeName)
    return {str(name.value) for name in found} if found else set()


def _wanted_names(wanted: Certificate) -> set[str]:
    return {str(name.value) for name in issue.alternative_names(wanted)}


def signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def certificate_reason(
    wanted: Certificate,
    pair: Pair,
    authority: x509.Certificate,
    *,
    now: datetime.datetime,
    renew_before: datetime.timedelta,
) -> str:
    """Say why a certificate must be made anew; empty when it may stay."""
    certificate = pair.certificate
    if pair.trouble or certificate is None:
        return pair.trouble
    if not signed_by(certificate, authority):
        return "it is not signed by the present authority"
    if not isinstance(pair.key, ec.EllipticCurvePrivateKey):
        return "its key is of another kind"
    if set(certificate.subject) != set(issue.subject(wanted.common_name, wanted.organizations)):
        return "its subject differs"
    if _names(certificate) != _wanted_names(wanted):
        return "its DNS names or addresses differ"
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    if usages is None or set(usages) != set(issue.extended_usages(wanted.usages)):
        return "its usages differ"
    basic = _extension(certificate, x509.BasicConstraints)
    if basic is None or basic.ca:
        return "it could sign other certificates"
    if certificate.not_valid_before_utc > now:
        return "it is not valid yet"
    end = certificate.not_valid_after_utc
    if end <= now:
        return "it has expired"
    # One that ends with its authority cannot be made to live longer; renewing it is of no use.
    if end - now <= renew_before and end < authority.not_valid_after_utc:
        return f"it ends on {end:%Y-%m-%d}, within the time for renewal"
    return ""


def refuse_authority(wanted: Authority, pair: Pair, *, paths: str, now: datetime.datetime) -> None:
    """Stop at an authority that cannot do its work: it is never replaced on its own.

    Everything that it signed, on other machines too, would be worth nothing from then on.
    """

    def fail(what: str, next_step: str) -> RampartError:
        return RampartError(f"The authority {wanted.name} ({paths}) {what}.", next_step=next_step)

    restore = "restore it from a backup, or remove both files to have a new authority made"
    if pair.trouble in (KEY_MISSING, KEY_UNREADABLE):
        raise fail(f"cannot sign: {pair.trouble}", restore)
    if pair.trouble == UNREADABLE:
        raise fail(f"cannot be used: {UNREADABLE}", restore)
    certificate = pair.certificate
    if certificate is None:
        # Neither is there, or a killed run came no further than the key.
        return
    if pair.trouble:
        raise fail("has a key that belongs to another certificate", restore)
    basic = _extension(certificate, x509.BasicConstraints)
    if basic is None or not basic.ca:
        raise fail("is not allowed to sign certificates", restore)
    if _extension(certificate, x509.SubjectKeyIdentifier) is None:
        raise fail("has no subject key identifier", "remove both files to have a new authority made")
    if certificate.subject != issue.subject(wanted.common_name):
        raise fail(
            f"is called {certificate.subject.rfc4514_string()}, not CN={wanted.common_name}",
            "give the name it has, or remove both files to have a new authority made",
        )
    if certificate.not_valid_after_utc <= now:
        raise fail(
            f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            "remove both files to have a new authority made; everything it signed is then made anew as well",
        )


def describe(certificate: x509.Certificate | None) -> dict[str, Any]:
    """Show a certificate without anything secret."""
    if certificate is None:
        return {}
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "names": sorted(_names(certificate)),
        "usages": usage_names(usages),
        "expires": timestamp(certificate.not_valid_after_utc),
    }


def usage_names(usages: Any) -> list[str]:
    known: Mapping[str, str] = {
        oid.dotted_string: name
        for name, oid in (
            ("server", ExtendedKeyUsageOID.SERVER_AUTH),
            ("client", ExtendedKeyUsageOID.CLIENT_AUTH),
        )
    }
    return sorted(known.get(oid.dotted_string, oid.dotted_string) for oid in usages or ())


def timestamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
