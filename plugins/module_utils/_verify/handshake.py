# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Greets a server with TLS of today, with TLS that is too old, and with ciphers that protect nothing."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 5.0

# What a server says when it does not want to speak an old protocol. When our own library does not
# want to, nothing is proved.
SERVER_REFUSED = ("ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "ALERT_HANDSHAKE_FAILURE")

# Nothing is encrypted, nobody is known, or it can be broken.
WEAK_CIPHERS = "aNULL:eNULL:3DES:RC4:DES:@SECLEVEL=0"

PLAIN, POSTGRESQL = "tls", "postgresql"
# PostgreSQL is asked in its own protocol first, and answers with one letter.
_POSTGRESQL_ASKS = struct.pack("!II", 8, 80877103)


@dataclass(frozen=True, slots=True)
class Greeting:
    """What came of one handshake: the protocol that was agreed, or why there was none."""

    made: bool
    said: str
    certificate: Mapping[str, Any] = field(default_factory=dict)


def today(anchors: str = "") -> ssl.SSLContext:
    """Speak TLS 1.2 or newer; with anchors the certificate and its name are verified, too."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if anchors:
        made.load_verify_locations(cadata=anchors)
    else:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def old() -> ssl.SSLContext:
    """Speak TLS 1.1 only, which OpenSSL 3 does not even offer at its usual level."""
    made = today()
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_1
    return made


def weak() -> ssl.SSLContext:
    """Offer only ciphers that protect nothing; TLS 1.3 knows none of them."""
    made = today()
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(WEAK_CIPHERS)
    return made


def greet(
    host: str, port: int, context: ssl.SSLContext, *, name: str = "", protocol: str = PLAIN
) -> Greeting:
    """Try a handshake; nothing is sent behind it."""
    try:
        with socket.create_connection((host, port), PATIENCE) as plain:
            if protocol == POSTGRESQL:
                plain.sendall(_POSTGRESQL_ASKS)
                if plain.recv(1) != b"S":
                    return Greeting(False, "it offers no TLS")
            with context.wrap_socket(plain, server_hostname=name or host) as secure:
                return Greeting(True, secure.version() or "", secure.getpeercert() or {})
    except ssl.SSLCertVerificationError as error:
        return Greeting(False, error.verify_message or str(error))
    except ssl.SSLError as error:
        return Greeting(False, error.reason or str(error))
    except OSError as error:
        return Greeting(False, error.strerror or str(error))


def refused(greeting: Greeting) -> bool:
    """Say whether it was the server that did not want it."""
    return not greeting.made and any(mark in greeting.said for mark in SERVER_REFUSED)
