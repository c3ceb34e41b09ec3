# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example's PostgreSQL for a Molecule scenario, and logins that do not go through the collection.

``python -m tests.support.database serve FOLDER``: serves until it is ended, and leaves in FOLDER what one
has to know: process, port, ca.crt, and the password of the role rotator.
``python -m tests.support.database login FOLDER USER``: reads the password from standard input, and says
``accepted`` or ``refused``.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
from pathlib import Path

import psycopg

from tests.rig.pki import Authority
from tests.support.postgres import unpacked
from tests.support.registries import free_port

HOST = "127.0.0.1"


def serve(folder: Path) -> None:
    """Run a server whose application's password nobody knows yet."""
    authority = Authority("database")
    certificate, key = authority.server(HOST)
    passwords = {name: secrets.token_urlsafe(24) for name in ("admin", "rotator", "app_a")}
    port = free_port()
    root = folder / "root"
    root.mkdir()
    with unpacked(root, port) as server:
        server.secret("postgresql-admin", username="admin", password=passwords["admin"])
        server.secret("postgresql-rotator", username="rotator", password=passwords["rotator"])
        server.secret("backend-database", username="app_a", password=passwords["app_a"])
        server.secret("postgresql-tls", tls_crt=certificate.decode(), tls_key=key.decode())
        server.prepare()
        server.start()
        left = {
            "ca.crt": authority.pem.decode(),
            "rotator": passwords["rotator"],
            "process": str(os.getpid()),
            "port": str(port),
        }
        for name, text in left.items():
            (folder / name).write_text(text)
        signal.pause()


def login(folder: Path, user: str) -> str:
    """Log in as an application does."""
    try:
        psycopg.connect(
            host=HOST,
            port=int((folder / "port").read_text()),
            user=user,
            password=sys.stdin.read(),
            dbname="app",
            sslmode="verify-full",
            sslrootcert=str(folder / "ca.crt"),
        ).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        return "refused"
    return "accepted"


if __name__ == "__main__":
    place = Path(sys.argv[2])
    if sys.argv[1] == "serve":
        signal.signal(signal.SIGTERM, lambda *_unused: sys.exit())
        serve(place)
    else:
        print(login(place, sys.argv[3]))
