# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real PostgreSQL server with TLS for tests, with the roles and the rotator that the collection expects."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.rig.pki import Authority

ROOT = Path(__file__).resolve().parents[2]
ROTATOR_SQL = ROOT / "roles/secrets/files/postgresql/rotator.sql"
HOST = "127.0.0.1"
# The server refuses to run as root.
USER = "postgres"
START_TIMEOUT = 60.0

ROLES = """
CREATE ROLE app_owner NOLOGIN;
CREATE ROLE app_a LOGIN IN ROLE app_owner;
CREATE ROLE app_b LOGIN IN ROLE app_owner;
CREATE ROLE other LOGIN PASSWORD 'other-password';
CREATE ROLE rotator LOGIN PASSWORD 'rotator-password';
CREATE TABLE private (secret text);
"""
ROTATOR_PASSWORD = "rotator-password"


def programs() -> Path | None:
    """Return where the server's programs are; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


class Postgres:
    """One server in a folder of its own; everything that it is asked stands in its log."""

    def __init__(self, *, tls: bool = True) -> None:
        self._tls = tls
        self.authority = Authority("database")
        self.folder = Path(tempfile.mkdtemp(prefix="rampart-pg-", dir="/var/tmp"))
        with socket.socket() as held:
            held.bind((HOST, 0))
            self.port = int(held.getsockname()[1])
        self._bin = programs() or Path()
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postgres:
        account = pwd.getpwnam(USER)
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._run(
            "initdb", "-D", str(self.data), "-U", "postgres", "--auth-local=trust", "--auth-host=reject"
        )
        certificate, key = self.authority.server(HOST)
        for name, content in (("server.crt", certificate), ("server.key", key)):
            path = self.data / name
            path.write_bytes(content)
            path.chmod(0o600)
            os.chown(path, account.pw_uid, account.pw_gid)
        (self.data / "pg_hba.conf").write_text(
            "local all postgres trust\n"
            + (
                "hostssl all all 127.0.0.1/32 scram-sha-256\n"
                if self._tls
                else "host all all all scram-sha-256\n"
            )
        )
        self.start()
        self.admin(ROLES)
        subprocess.run(
            [
                str(self._bin / "psql"),
                f"--host={self.folder}",
                f"--port={self.port}",
                "--username=postgres",
                "--quiet",
                "-v",
                "rotator=rotator",
                "-v",
                "roles=app_a, app_b",
                f"--file={ROTATOR_SQL}",
                "postgres",
            ],
            check=True,
            capture_output=True,
        )
        return self

    def __exit__(self, *_unused: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def data(self) -> Path:
        """Where the server keeps everything."""
        return self.folder / "data"

    @property
    def log(self) -> str:
        """Everything that the server has said and was asked."""
        return (self.folder / "log").read_text(errors="replace")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            user=USER,
            check=True,
            capture_output=True,
            cwd=self.folder,
        )

    def start(self) -> None:
        """Start the server, as talkative as it can be."""
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": self.folder,
            "ssl": "on" if self._tls else "off",
            "log_statement": "all",
            "log_min_duration_statement": 0,
            "log_connections": "on",
            "log_error_verbosity": "verbose",
            "log_min_messages": "debug1",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": 40,
        }
        with (self.folder / "log").open("ab") as log:
            self._child = subprocess.Popen(
                [
                    str(self._bin / "postgres"),
                    "-D",
                    str(self.data),
                    *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
                ],
                user=USER,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            try:
                self.admin("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"the server did not start: {self.log[-2000:]}")

    def stop(self) -> None:
        """End the server as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def admin(self, statements: str) -> list[tuple[Any, ...]]:
        """Ask something as the superuser, over the socket that only this machine has."""
        with psycopg.connect(
            host=str(self.folder), port=self.port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            cursor = connection.execute(statements.encode())
            return cursor.fetchall() if cursor.description else []

    def login(self, user: str, password: str) -> psycopg.Connection[Any]:
        """Log in as an application does; psycopg.OperationalError when it is refused."""
        return psycopg.connect(
            host=HOST, port=self.port, user=user, password=password, dbname="postgres", autocommit=True
        )

    def options(self, **more: Any) -> dict[str, Any]:
        """Return the options of a backend."""
        return {
            "host": HOST,
            "port": self.port,
            "database": "postgres",
            "admin_secret": "postgresql-rotator",
            "ca_secret": "postgresql-tls",
            "roles": ["app_a", "app_b"],
            "username_key": "username",
            "password_key": "password",
            "timeout": 10,
            **more,
        }
