# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""TLS for the API server, from PEM texts in memory."""

from __future__ import annotations

import datetime
import re
import ssl

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import anonymous_file
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import Credentials

# OpenSSL's words for what a server says of our certificate, RFC 8446 section 6.2.
VERDICTS = frozenset(
    {
        "access denied",
        "bad certificate",
        "certificate expired",
        "certificate required",
        "certificate revoked",
        "certificate unknown",
        "unknown ca",
        "unsupported certificate",
    }
)
# What an API server answers until it has read its own certificate.
NOT_READY = "internal error"
# What OpenSSL says of a connection that was closed without a word.
_CUT_OFF = "eof occurred"
_ALERT = re.compile(r"(?:(?:ssl|tls)v[0-9.]+|ssl/tls) alert ([a-z ]+)|(?:SSL|TLS)V[0-9_]+_ALERT_([A-Z_]+)")
# A mark in OpenSSL's text, what it means, and what to do: it depends on which of both sides is wrong.
_REASONS = (
    (
        "certificate has expired",
        "the server's certificate has expired",
        "renew the API server's certificate",
    ),
    (
        "hostname mismatch",
        "the server's certificate is for another name",
        "use a name or address that stands in the certificate, or set tls-server-name",
    ),
    (
        "ip address mismatch",
        "the server's certificate is for another address",
        "use a name or address that stands in the certificate, or set tls-server-name",
    ),
    (
        "certificate_verify_failed",
        "the server's certificate is not signed by the certificate authority of the kubeconfig; "
        "no credential was sent",
        "make sure that you speak with the right server (a stranger may be in between); "
        "if its authority was renewed, fetch a new kubeconfig",
    ),
    ("wrong_version_number", "the server does not speak TLS", "correct the address"),
    (
        _CUT_OFF,
        "the connection was closed before TLS stood",
        "look into the log of the API server, and at what stands between here and it",
    ),
)


def cut_off(text: str) -> bool:
    """Tell whether the connection broke, which is no word on either side's certificate."""
    return _CUT_OFF in text.lower()


def alert(text: str) -> str:
    """Return the alert that the server sent, in OpenSSL's words ("unknown ca"), or nothing."""
    found = _ALERT.search(text)
    return (found[1] or found[2].lower().replace("_", " ")).strip() if found else ""


def reason(text: str) -> tuple[str, str]:
    """Word OpenSSL's reason and the next step."""
    for mark, why, step in _REASONS:
        if mark in text.lower():
            return why, step
    said = alert(text)
    if said in VERDICTS:
        return (
            f"the server refused our client certificate ({said})",
            "renew the client certificate of the kubeconfig",
        )
    if said == NOT_READY:
        return (
            "the server has no certificate to serve with yet (TLS alert: internal error)",
            "look into the log of the API server: it is starting, or its certificate cannot be read",
        )
    return (
        f"the TLS connection could not be made ({said or text})",
        "compare the server's TLS settings with the kubeconfig",
    )


def context(credentials: Credentials) -> ssl.SSLContext:
    """Build the TLS context; a broken certificate is named before anything is sent."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if not credentials.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif credentials.ca:
        try:
            made.load_verify_locations(cadata=credentials.ca)
        except ssl.SSLError as error:
            raise RampartError(
                f"The certificate authority of context {credentials.context!r} is not a PEM certificate.",
                next_step="repair the kubeconfig",
            ) from error
    else:
        made.load_default_certs()
    if credentials.certificate and credentials.key:
        try:
            _load_chain(made, credentials.certificate, credentials.key)
        except ssl.SSLError as error:
            raise RampartError(
                f"The client certificate and key of context {credentials.context!r} cannot be used "
                f"({error.reason or 'not PEM'}).",
                next_step="write the kubeconfig again; the two must belong together",
            ) from None
    return made


def _load_chain(made: ssl.SSLContext, certificate: str, key: str) -> None:
    # OpenSSL loads a client's key from a file only. This one cannot be found or left behind.
    with anonymous_file() as stream:
        stream.write(f"{certificate.rstrip()}\n{key.rstrip()}\n".encode())
        stream.flush()
        stream.seek(0)
        made.load_cert_chain(f"/dev/fd/{stream.fileno()}")


def expiry(certificate: str) -> datetime.datetime | None:
    """Return until when the (first) certificate of a PEM text holds; imported late: it is costly."""
    from cryptography import x509

    found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", certificate, re.DOTALL)
    if not found:
        return None
    try:
        return x509.load_pem_x509_certificate(found.group(0).encode()).not_valid_after_utc
    except ValueError:
        return None


def expired(certificate: str | None) -> str | None:
    """Return the date on which a certificate ended, or None while it holds."""
    end = expiry(certificate) if certificate else None
    if end is None or end > datetime.datetime.now(tz=datetime.UTC):
        return None
    return end.strftime("%Y-%m-%d %H:%M UTC")
