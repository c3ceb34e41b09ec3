# SPDX-License-Identifier: GPL-3.0-or-later
"""The database, whose credential may change at any moment without a request that notices.

A changed credential gets a pool of its own, which has to connect before it takes over; until then, and when
it cannot, the pool of before serves. A connection that was cut off, because its user lost its sessions or
the server went away, is no answer: the work is tried again on another one. So all work must be such that
doing it twice is doing it once.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from kit.mounted import Mounted, MountError, text
from kit.tracing import tracer
from prometheus_client import Counter, Gauge

Result = TypeVar("Result")

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 10.0
LOOK_SECONDS = 1.0
TRIES = 4
FIRST_PAUSE = 0.1

# The server, the network or the credential was at fault, and not what was asked.
CUT_OFF = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # A connection that was cut off in the middle of an answer leaves the client not knowing where it is.
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.TooManyConnectionsError,
)

USER = Gauge("database_user", "1 for the user that the pool logs in as.", ["user"])
AGAIN = Counter("database_retries_total", "Work that was tried again.", ["error"])
CHANGES = Counter(
    "database_credential_changes_total", "Credentials that took over, or could not.", ["result"]
)

_log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """The database does not answer."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Who logs in. The password shows in no representation."""

    username: str
    password: str = field(repr=False)


def parse(files: Mapping[str, bytes]) -> Credential:
    """Read both files of one moment."""
    return Credential(text(files["username"]), text(files["password"]))


def trust(files: Mapping[str, bytes]) -> ssl.SSLContext:
    """Trust the mounted authorities, and nobody else; the server's name is checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=files["ca.crt"].decode())
    return context


class Database:
    """A pool of connections that follows its credential."""

    def __init__(
        self, *, host: str, port: int, name: str, credential_folder: Path, ca_folder: Path, connections: int
    ) -> None:
        self._credential: Mounted[Credential] = Mounted(credential_folder, ("username", "password"), parse)
        self._trust: Mounted[ssl.SSLContext] = Mounted(ca_folder, ("ca.crt",), trust)
        self._target = {"host": host, "port": port, "database": name}
        self._connections = connections
        self._pool: asyncpg.Pool[Any] | None = None
        self._used: Credential | None = None
        self._changing = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def follow(self) -> None:
        """Look for a changed credential for as long as the service runs."""
        while True:
            try:
                await self._renew()
            except CUT_OFF as error:
                # Until it works the pool of before serves; where there is none, /ready says so.
                CHANGES.labels("refused").inc()
                _log.error("database cannot be logged in to", extra={"error": type(error).__name__})
            except MountError as error:
                _log.error("database credential cannot be read", extra={"error": str(error)})
            await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Let running work end."""
        if self._pool is not None:
            await self._end(self._pool)

    async def _renew(self) -> asyncpg.Pool[Any]:
        async with self._changing:
            credential = self._credential.value()
            if self._pool is not None and credential == self._used:
                return self._pool
            before, self._pool = self._pool, await self._make(credential)
            if self._used is not None:
                USER.labels(self._used.username).set(0)
                CHANGES.labels("taken over").inc()
            USER.labels(credential.username).set(1)
            self._used = credential
            _log.info("database credential in use", extra={"user": credential.username})
        if before is not None:
            task = asyncio.create_task(self._end(before))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return self._pool

    async def _make(self, credential: Credential) -> asyncpg.Pool[Any]:
        """Connect once at least: a pool that cannot log in takes nothing over."""
        return await asyncpg.create_pool(
            **self._target,
            user=credential.username,
            password=credential.password,
            ssl=self._trust.value(),
            min_size=1,
            max_size=self._connections,
            max_inactive_connection_lifetime=60.0,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            server_settings={"application_name": "backend", "search_path": "app"},
        )

    async def _end(self, pool: asyncpg.Pool[Any]) -> None:
        try:
            await asyncio.wait_for(pool.close(), COMMAND_SECONDS * 2)
        except (TimeoutError, *CUT_OFF):
            pool.terminate()

    async def run(self, name: str, work: Callable[[Any], Awaitable[Result]]) -> Result:
        """Do work in a transaction, and again when its connection was cut off."""
        pause = FIRST_PAUSE
        for attempt in range(1, TRIES + 1):
            try:
                pool = self._pool or await self._renew()
                with tracer().start_as_current_span(f"database {name}"):
                    async with pool.acquire(timeout=CONNECT_SECONDS) as connection, connection.transaction():
                        return await work(connection)
            except (*CUT_OFF, TimeoutError, MountError) as error:
                AGAIN.labels(type(error).__name__).inc()
                _log.warning("database connection was cut off", extra={"error": type(error).__name__})
                if attempt == TRIES:
                    break
                await asyncio.sleep(pause)
                pause *= 3
        raise UnavailableError(name)
