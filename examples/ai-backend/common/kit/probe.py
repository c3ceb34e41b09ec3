# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the service of this container whether it is alive, for engines without probes of their own."""

from __future__ import annotations

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPSConnection

SECONDS = 2


def main() -> int:
    """Return 0 when the service answers that it is."""
    port = int(os.environ.get("LISTEN_PORT", "8000"))
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    if os.environ.get("TLS_FOLDER"):
        # Only this container listens here; its certificate is for others, who know it by its name.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=context)
    connection.request("GET", "/health")
    return 0 if connection.getresponse().status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
