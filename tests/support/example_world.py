# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole example as processes: three services, a database, and all that is secret as mounted folders."""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from props import AUDIENCE, ISSUER, Issuer, Mount, certificate, free_port, key_set

from tests.support.example import Service, running
from tests.support.postgres import Postgres, unpacked


@dataclass(slots=True)
class World:
    """All of it."""

    postgres: Postgres
    database: Mount
    provider_keys: Mount
    agent_key: Mount
    jwks: Mount
    issuers: tuple[Issuer, Issuer]
    ca: str
    passwords: dict[str, str]
    backend: Service
    provider: Service
    signing: Path

    def trust(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.ca)
        return context

    async def connect(self, user: str, password: str | None = None, database: str = "app") -> Any:
        return await asyncpg.connect(
            host="localhost",
            port=self.postgres.port,
            database=database,
            user=user,
            password=password or self.passwords[user],
            ssl=self.trust(),
        )


@contextmanager
def example_world(folder: Path) -> Iterator[World]:
    """Yield it, up and asked for nothing yet."""
    passwords = {name: f"{secrets.token_urlsafe(18)}'\"$" for name in ("admin", "rotator", "app_a")}
    own = certificate("postgresql")
    issuers = Issuer("one"), Issuer("two")
    mounts = {name: Mount(folder / name) for name in ("database", "keys", "key", "jwks", "ca")}
    mounts["database"].write(username="app_a", password=passwords["app_a"])
    mounts["keys"].write(first="key-1")
    mounts["key"].write(api__key="key-1")
    mounts["jwks"].write(jwks_json=key_set(*issuers))
    mounts["ca"].write(ca_crt=own["tls_crt"])
    signing = folder / "signing"
    signing.mkdir()
    (signing / "jwks.json").write_text(json.dumps({"keys": [issuer.private() for issuer in issuers]}))
    root = folder / "root"
    root.mkdir()
    with ExitStack() as stack:
        postgres = stack.enter_context(unpacked(root, free_port()))
        postgres.secret("postgresql-admin", username="admin", password=passwords["admin"])
        postgres.secret("postgresql-rotator", username="rotator", password=passwords["rotator"])
        postgres.secret("backend-database", username="app_a", password=passwords["app_a"])
        postgres.secret("postgresql-tls", **own)
        postgres.prepare()
        postgres.start()
        provider = stack.enter_context(
            running(
                "ai-provider", folder, KEY_FOLDER=str(mounts["keys"].folder), REQUESTS_PER_MINUTE="1000000"
            )
        )
        agent = stack.enter_context(
            running(
                "agent",
                folder,
                PROVIDER_URL=provider.url,
                PROVIDER_KEY_FOLDER=str(mounts["key"].folder),
                REQUESTS_BURST="100000",
                REQUESTS_PER_MINUTE="1000000",
            )
        )
        backend = stack.enter_context(
            running(
                "backend",
                folder,
                AGENT_URL=agent.url,
                JWKS_FOLDER=str(mounts["jwks"].folder),
                JWT_ISSUER=ISSUER,
                JWT_AUDIENCE=AUDIENCE,
                DATABASE_HOST="localhost",
                DATABASE_PORT=str(postgres.port),
                DATABASE_FOLDER=str(mounts["database"].folder),
                DATABASE_CA_FOLDER=str(mounts["ca"].folder),
                REQUESTS_BURST="100000",
                REQUESTS_PER_MINUTE="1000000",
            )
        )
        yield World(
            postgres,
            mounts["database"],
            mounts["keys"],
            mounts["key"],
            mounts["jwks"],
            issuers,
            own["tls_crt"],
            passwords,
            backend,
            provider,
            signing,
        )
