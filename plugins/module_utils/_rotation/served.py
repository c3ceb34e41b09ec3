# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks a server for its certificate: a file that changed says nothing about what the program has loaded."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import Hook
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate.certificates import CERTIFICATE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.forward import HOST, forwarded
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop

# A program that was told to load a file does so in a moment.
PATIENCE = 15.0
PAUSE = 0.3
TIMEOUT = 5.0

# What a client of PostgreSQL says first, and the answer that means TLS.
_SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
_WILLING = b"S"


def shown(port: int, after: str) -> bytes:
    """Return the certificate that a server on this machine's port shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # It is compared byte by byte with the one that it should be, which is more than any chain proves.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((HOST, port), TIMEOUT) as raw:
        if after == "postgresql":
            raw.sendall(_SSL_REQUEST)
            if raw.recv(1) != _WILLING:
                raise ssl.SSLError("it speaks no TLS")
        with context.wrap_socket(raw) as wrapped:
            return wrapped.getpeercert(binary_form=True) or b""


def wait(shop: Shop, hook: Hook, pod: str, held: Mapping[str, bytes], secret: str) -> None:
    """Wait until a pod shows the certificate of a content."""
    wanted = ssl.PEM_cert_to_DER_cert(_first(held[CERTIFICATE].decode()))
    until = time.monotonic() + PATIENCE
    shop.store.client.transport.extend(PATIENCE)
    with forwarded(shop.store.client, shop.store.namespace, pod, hook.port) as port:
        while (why := _why_not(port, hook.certificate_after or "", wanted)) and time.monotonic() < until:
            time.sleep(PAUSE)
    if why:
        raise RampartError(
            f"Pod {shop.store.namespace}/{pod} does not show the certificate of Secret {secret} at port "
            f"{hook.port}: {why}.",
            next_step="see whether its reload hook makes it load its certificate, and its log",
        )


def _why_not(port: int, after: str, wanted: bytes) -> str:
    try:
        found = shown(port, after)
    except OSError as error:
        return f"no connection came about ({error.strerror or type(error).__name__})"
    return "" if found == wanted else "it shows another one"


def _first(chain: str) -> str:
    end = "-----END CERTIFICATE-----"
    return chain.partition(end)[0] + end + "\n"
