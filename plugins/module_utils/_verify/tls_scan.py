# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Judges how a port of a Service speaks TLS: which protocols and ciphers, and whose certificate."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ansible_collections.rampart.k8s.plugins.module_utils._verify import handshake
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.handshake import Greeting


@dataclass(frozen=True, slots=True)
class Line:
    """A port that speaks TLS, as it is reached from here."""

    name: str
    host: str
    port: int
    protocol: str
    # The name that its certificate must be for, and who must have signed it (PEM).
    server_name: str
    anchors: str
    # Why there are no anchors.
    without: str = ""


def scan(line: Line, min_days: int, now: datetime) -> list[Proof]:
    """Greet it in every way, and judge the answers."""
    current = _greet(line, handshake.today)
    if not current.made:
        return [Proof(f"{line.name} speaks TLS 1.2 or newer", Verdict.BROKEN, False, current.said)]
    return [
        Proof(f"{line.name} speaks TLS 1.2 or newer", Verdict.HELD, False),
        refusal(f"{line.name} refuses TLS 1.1", _greet(line, handshake.old)),
        refusal(f"{line.name} refuses ciphers that protect nothing", _greet(line, handshake.weak)),
        *_certificate(line, min_days, now),
    ]


def _greet(line: Line, context: Callable[[], ssl.SSLContext]) -> Greeting:
    try:
        made = context()
    except ssl.SSLError as error:
        return Greeting(False, error.reason or str(error))
    return handshake.greet(line.host, line.port, made, name=line.server_name, protocol=line.protocol)


def refusal(claim: str, greeting: Greeting) -> Proof:
    """Judge a handshake that must not be made; only the server's own word counts."""
    if greeting.made:
        return Proof(claim, Verdict.BROKEN, True, f"the handshake was made ({greeting.said})")
    if handshake.refused(greeting):
        return Proof(claim, Verdict.HELD, True)
    return Proof(claim, Verdict.NOT_PROVEN, True, f"this machine cannot try it ({greeting.said})")


def _certificate(line: Line, min_days: int, now: datetime) -> list[Proof]:
    claim = f"{line.name} shows a valid certificate for {line.server_name}"
    if not line.anchors:
        return [Proof(claim, Verdict.NOT_PROVEN, False, line.without)]
    greeting = _greet(line, lambda: handshake.today(line.anchors))
    if not greeting.made:
        return [Proof(claim, Verdict.BROKEN, False, greeting.said)]
    return [Proof(claim, Verdict.HELD, False), lasting(line.name, greeting, min_days, now)]


def lasting(name: str, greeting: Greeting, min_days: int, now: datetime) -> Proof:
    """Judge whether a certificate stays valid for long enough."""
    claim = f"the certificate of {name} is valid for {min_days} more days"
    try:
        end = datetime.fromtimestamp(ssl.cert_time_to_seconds(greeting.certificate["notAfter"]), UTC)
    except (KeyError, ValueError):
        return Proof(claim, Verdict.NOT_PROVEN, False, "it does not say when it ends")
    if end - now < timedelta(days=min_days):
        return Proof(claim, Verdict.BROKEN, False, f"it ends {end:%Y-%m-%d}")
    return Proof(claim, Verdict.HELD, False)
