# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example for real: services and the PostgreSQL of its image, while all that is secret changes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import secrets
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import pytest
from props import AUDIENCE, ISSUER, Issuer, key_set

from tests.support.example import Callers
from tests.support.example_world import World, example_world
from tests.support.postgres import EXAMPLE

ROUNDS = 4096
CALLERS = 4


def verifier(password: str) -> str:
    """Make what PostgreSQL keeps of a password (RFC 5803), so that only this side ever sees it."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${ROUNDS}:{salt_text}${stored_text}:{server_text}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with example_world(tmp_path_factory.mktemp("example")) as made:
        yield made


def test_the_whole_way_as_the_helm_test_goes_it(world: World) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backend.smoke"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(str(EXAMPLE / part) for part in ("common", "backend")),
            "BACKEND_URL": world.backend.url,
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "SIGNING_FOLDER": str(world.signing),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["passed: all"], done.stdout + done.stderr
    assert "passed: nobody with a key of their own: 401" in done.stdout
    world.backend.until('database_user{user="app_a"} 1.0')


def under_load(world: World, issuer: Issuer, change: Callable[[], Awaitable[None]]) -> Callers:
    """Change something while callers ask, and go on asking for a moment."""
    callers = Callers(world.backend.url, {"Authorization": f"Bearer {issuer.sign()}"})

    async def scenario() -> None:
        stop = asyncio.Event()
        asking = [asyncio.create_task(callers.keep_asking(stop)) for _number in range(CALLERS)]
        await asyncio.sleep(0.5)
        await change()
        await asyncio.sleep(0.5)
        stop.set()
        await asyncio.gather(*asking)

    asyncio.run(scenario())
    return callers


def test_no_request_fails_while_the_database_credential_changes(world: World) -> None:
    new, last = secrets.token_urlsafe(24), secrets.token_urlsafe(24)

    async def change() -> None:
        rotator = await world.connect("rotator")
        await rotator.execute("SELECT rotation.set_password($1, $2)", "app_b", verifier(new))
        assert await (await world.connect("app_b", new)).fetchval("SELECT current_user") == "app_b"
        world.database.write(username="app_b", password=new)
        await asyncio.to_thread(world.backend.until, 'database_user{user="app_b"} 1.0')
        # The old pool ends what it has begun; then nobody is left.
        for _attempt in range(200):
            if await rotator.fetchval("SELECT rotation.sessions('app_a')") == 0:
                break
            await asyncio.sleep(0.05)
        assert await rotator.fetchval("SELECT rotation.sessions('app_a')") == 0
        await rotator.execute("SELECT rotation.set_password($1, $2)", "app_a", verifier(last))
        # Even those of the credential in use may be cut off.
        assert await rotator.fetchval("SELECT rotation.end_sessions('app_b')") > 0
        await rotator.close()

    before = world.passwords["app_a"]
    world.passwords |= {"app_b": new}
    callers = under_load(world, world.issuers[0], change)
    world.passwords |= {"app_a": last}
    assert callers.failed == []
    assert callers.answered >= CALLERS
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(world.connect("app_a", before))


def test_a_credential_that_does_not_work_takes_nothing_over(world: World) -> None:
    async def change() -> None:
        world.database.write(username="app_b", password="not the password")
        await asyncio.sleep(2.5)
        world.database.write(username="app_b", password=world.passwords["app_b"])

    callers = under_load(world, world.issuers[0], change)
    assert callers.failed == []
    assert 'database_credential_changes_total{result="refused"}' in world.backend.metrics()


def test_no_request_fails_while_the_key_of_the_provider_changes(world: World) -> None:
    async def change() -> None:
        world.provider_keys.write(first="key-1", second="key-2")
        world.agent_key.write(api__key="key-2")
        await asyncio.sleep(0.5)
        world.provider_keys.write(second="key-2")

    callers = under_load(world, world.issuers[0], change)
    assert callers.failed == []
    assert 'provider_requests_total{key="second",status="200"}' in world.provider.metrics()


def test_no_request_fails_while_the_signing_key_changes(world: World) -> None:
    one, two = world.issuers

    async def change() -> None:
        world.jwks.write(jwks_json=key_set(two, one))

    assert under_load(world, one, change).failed == []

    async def retire() -> None:
        world.jwks.write(jwks_json=key_set(two))

    assert under_load(world, two, retire).failed == []
    refused = under_load(world, one, lambda: asyncio.sleep(0))
    assert refused.answered == 0
    assert refused.failed[0].startswith("POST 401")


def test_a_server_that_starts_again_is_waited_for_and_its_passwords_are_those_of_the_secrets(
    world: World,
) -> None:
    world.postgres.secret("backend-database", username="app_b", password=world.passwords["app_b"])

    async def change() -> None:
        await asyncio.to_thread(world.postgres.stop)
        await asyncio.to_thread(world.postgres.start)

    callers = under_load(world, world.issuers[1], change)
    # No database, no answer; but nothing hangs, and it is said when to come again.
    assert {failure[:8] for failure in callers.failed} <= {"POST 503", "GET 503 "}
    assert callers.answered > 0
    world.postgres.stop()
    assert "initdb" not in world.postgres.prepare()
    world.postgres.start()
    assert asyncio.run(_whoami(world, "app_b")) == "app_b"


async def _whoami(world: World, user: str) -> str:
    connection = await world.connect(user)
    found: str = await connection.fetchval("SELECT current_user")
    await connection.close()
    return found


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT rotation.set_password('admin', 'x')",
        "SELECT rotation.set_password('app_a', 'a password in the clear')",
        "SELECT rotation.end_sessions('admin')",
        "ALTER ROLE app_a PASSWORD 'x'",
        "CREATE ROLE another LOGIN",
        "SET ROLE app_owner",
        "SELECT * FROM app.question",
        "CREATE TABLE rotation.mine ()",
        "CREATE TABLE public.mine ()",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_rotator_may_do_nothing_else(world: World, statement: str) -> None:
    async def attempt() -> None:
        connection = await world.connect("rotator")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)):
        asyncio.run(attempt())


def test_a_login_of_the_application_is_no_rotator_and_sees_no_other_database(world: World) -> None:
    async def attempt(statement: str, database: str) -> None:
        connection = await world.connect("app_b", database=database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    for statement, database in (("SELECT rotation.end_sessions('app_a')", "app"), ("SELECT 1", "postgres")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(attempt(statement, database))


def test_nobody_comes_in_without_tls(world: World) -> None:
    async def attempt() -> None:
        await asyncpg.connect(
            host="localhost", port=world.postgres.port, user="app_b", password="x", database="app", ssl=False
        )

    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        asyncio.run(attempt())


def test_no_secret_is_in_any_log(world: World) -> None:
    logs = world.postgres.log() + world.backend.log.read_text() + world.provider.log.read_text()
    assert "connection authorized" in logs
    found = [name for name, password in world.passwords.items() if password in logs]
    assert found == []
    assert "SCRAM-SHA-256$" not in logs
    assert "key-2" not in logs
