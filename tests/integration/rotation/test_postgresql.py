# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backend of PostgreSQL against a real server that logs everything."""

from __future__ import annotations

import datetime
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Turn
from ansible_collections.rampart.k8s.plugins.module_utils._backends.postgresql import Postgresql
from ansible_collections.rampart.k8s.plugins.module_utils._backends.reach import Surroundings
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import encodings

from tests.rig.pki import Authority
from tests.support.postgresql import ROTATOR_PASSWORD, Postgres, programs

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")

OLD = {"username": b"app_a", "password": b"old-password-of-app-a-123456"}
NEW = {"username": b"app_b", "password": b"new-password-of-app-b-123456"}
# Of no password: its sums are made of nothing.
VERIFIER = f"SCRAM-SHA-256$4096:{'A' * 22}==${'A' * 43}=:{'A' * 43}="


class Secrets(Surroundings):
    """What the cluster would say."""

    def __init__(self, given: Mapping[str, Mapping[str, bytes]]) -> None:
        self.namespace = "dev"
        self.turns = defaultdict(threading.Lock)
        self._given = given

    def secret(self, name: str) -> Mapping[str, bytes]:
        return self._given[name]

    def under_way(self, name: str) -> list[Mapping[str, bytes]]:
        return []


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Run a server for all tests."""
    with Postgres() as started:
        yield started


@pytest.fixture
def backend(server: Postgres) -> Iterator[Postgresql]:
    """Return the backend, with the old credential in use."""
    made = backend_of(server)
    made._change(None, OLD)
    yield made
    server.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('app_a', 'app_b')")
    server.admin("ALTER ROLE app_a PASSWORD NULL VALID UNTIL 'infinity'")
    server.admin("ALTER ROLE app_b PASSWORD NULL VALID UNTIL 'infinity'")


def backend_of(
    server: Postgres, strategy: str = "overlap", ca: bytes | None = None, **more: Any
) -> Postgresql:
    secrets = {
        "postgresql-rotator": {"username": b"rotator", "password": ROTATOR_PASSWORD.encode()},
        "postgresql-tls": {"ca.crt": ca or server.authority.pem},
    }
    return Postgresql(server.options(**more), strategy, Secrets(secrets))


def turn(old: Any = ..., new: Any = ...) -> Turn:
    return Turn("r1", "dev", "db", OLD if old is ... else old, NEW if new is ... else new)


def works(server: Postgres, held: Mapping[str, bytes]) -> bool:
    try:
        server.login(held["username"].decode(), held["password"].decode()).close()
    except psycopg.OperationalError:
        return False
    return True


def test_two_roles_alternate_and_both_work_until_one_is_revoked(
    server: Postgres, backend: Postgresql
) -> None:
    backend.check(turn(new=None))
    assert backend.issue(turn(new=None)) == {"username": b"app_b"}
    backend.set(turn())
    backend.test(turn())
    assert works(server, OLD)
    assert works(server, NEW)
    with server.login("app_a", OLD["password"].decode()) as session:
        assert backend.usage(turn())[0].startswith("1 sessions of role app_a at PostgreSQL at ")
        backend.revoke(turn())
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert backend.usage(turn()) == []
    assert not works(server, OLD)
    assert works(server, NEW)
    assert backend.issue(turn(old=NEW, new=None)) == {"username": b"app_a"}


def test_setting_and_revoking_twice_is_setting_and_revoking_once(
    server: Postgres, backend: Postgresql
) -> None:
    for _number in range(2):
        backend.set(turn())
        backend.test(turn())
    for _number in range(2):
        backend.unset(turn())
    assert works(server, OLD)
    assert not works(server, NEW)


def test_an_old_role_can_end_by_itself(server: Postgres, backend: Postgresql) -> None:
    backend.set(turn())
    backend.expire(turn(), datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=1))
    assert works(server, OLD)
    time.sleep(1.2)
    assert not works(server, OLD)
    assert works(server, NEW)
    # When its turn comes again, it lives for ever.
    backend.set(turn(old=NEW, new=OLD))
    assert works(server, OLD)


def test_no_password_is_seen_anywhere(server: Postgres, backend: Postgresql) -> None:
    seen, ended = set[str](), threading.Event()

    def look() -> None:
        while not ended.is_set():
            seen.update(row[0] for row in server.admin("SELECT query FROM pg_stat_activity"))

    looker = threading.Thread(target=look)
    looker.start()
    try:
        backend.check(turn(new=None))
        backend.set(turn())
        backend.test(turn())
        backend.usage(turn())
        backend.revoke(turn())
    finally:
        ended.set()
        looker.join()
    said = server.log + "\n".join(seen)
    assert "SELECT rotation.set_password($1, $2)" in server.log
    for password in (OLD["password"], NEW["password"], ROTATOR_PASSWORD.encode()):
        # The roles' own beginning stands in the log: the rotator's password was set in the clear by the test.
        forms = encodings(password) if password != ROTATOR_PASSWORD.encode() else set()
        assert not [form for form in forms if form in said]


def test_the_rotator_may_do_nothing_else(server: Postgres) -> None:
    refused = [
        "ALTER ROLE app_a PASSWORD 'x'",
        "ALTER ROLE other PASSWORD 'x'",
        "CREATE ROLE evil LOGIN",
        "SELECT * FROM private",
        "SELECT * FROM pg_authid",
        f"SELECT rotation.set_password('other', '{VERIFIER}')",
        f"SELECT rotation.set_password('postgres', '{VERIFIER}')",
        "SELECT rotation.expire('postgres', now())",
        "SELECT rotation.end_sessions('other')",
        "SELECT rotation.sessions('other')",
        "SELECT rotation.require('app_a')",
        "INSERT INTO rotation.roles VALUES ('other')",
        "SELECT rotation.set_password('app_a', 'in-the-clear')",
        "SET ROLE app_a",
        "GRANT app_owner TO rotator",
    ]
    with server.login("rotator", ROTATOR_PASSWORD) as connection:
        for statement in refused:
            with pytest.raises(psycopg.DatabaseError):
                connection.execute(statement.encode())
    assert server.login("other", "other-password")


def test_one_role_is_changed_in_place_and_back(server: Postgres, backend: Postgresql) -> None:
    alone = backend_of(server, "in_place", roles=[])
    new = {**OLD, "password": b"another-password-of-app-a"}
    assert alone.issue(turn(new=None)) == {"username": b"app_a"}
    alone.set(turn(new=new))
    alone.test(turn(new=new))
    assert not works(server, OLD)
    assert alone.usage(turn(new=new)) == []
    alone.revoke(turn(new=new))
    assert works(server, new)
    alone.unset(turn(new=new))
    assert works(server, OLD)


def test_a_role_without_a_rotator_sets_its_own_password(server: Postgres, backend: Postgresql) -> None:
    alone = backend_of(server, "in_place", roles=[], admin_secret=None)
    new = {**OLD, "password": b"another-password-of-app-a"}
    alone.check(turn(new=None))
    for _number in range(2):
        alone.set(turn(new=new))
        alone.test(turn(new=new))
    assert not works(server, OLD)
    assert alone.usage(turn(new=new)) == []
    alone.revoke(turn(new=new))
    for _number in range(2):
        alone.unset(turn(new=new))
    assert works(server, OLD)
    assert not works(server, new)
    assert new["password"].decode() not in server.log
    with pytest.raises(RampartError, match="Nobody may set the password of role app_b"):
        backend_of(server, admin_secret=None).issue(turn(new=None))


def test_one_role_cannot_have_two_passwords(server: Postgres) -> None:
    with pytest.raises(RampartError, match="cannot have two passwords"):
        backend_of(server, roles=["app_a"]).issue(turn(new=None))


def test_a_role_that_is_not_rotated_is_refused(server: Postgres, backend: Postgresql) -> None:
    foreign = {"username": b"other", "password": b"other-password"}
    with pytest.raises(RampartError, match="none of those that are rotated"):
        backend.issue(turn(old=foreign, new=None))
    with pytest.raises(RampartError, match="role other is not rotated here"):
        backend.set(turn(new=foreign))


def refused(act: Any, *arguments: Any) -> str:
    with pytest.raises(RampartError) as caught:
        act(*arguments)
    text = str(caught.value)
    assert not any(form in text for form in encodings(OLD["password"]) | encodings(ROTATOR_PASSWORD))
    return text


def test_what_is_wrong_is_told_without_a_password(server: Postgres, backend: Postgresql) -> None:
    wrong = {**OLD, "password": b"not-the-right-password"}
    assert "the password is not right" in refused(backend.check, turn(old=wrong, new=None))
    stranger = backend_of(server, ca=Authority("stranger").pem)
    assert "not signed by the authority of ca_secret; " not in refused(stranger.check, turn(new=None))
    assert "not signed by the authority of ca_secret" in refused(stranger.check, turn(new=None))
    nobody = backend_of(server, port=1)
    assert "nobody listens there" in refused(nobody.check, turn(new=None))
    elsewhere = backend_of(server, database="none")
    assert "does not exist" in refused(elsewhere.check, turn(new=None))
    server.admin("REVOKE EXECUTE ON FUNCTION rotation.sessions(text) FROM rotator")
    try:
        assert "rotator.sql there as the superuser" in refused(backend.check, turn(new=None))
    finally:
        server.admin("GRANT EXECUTE ON FUNCTION rotation.sessions(text) TO rotator")


def test_in_an_incident_the_old_credential_need_not_work(backend: Postgresql) -> None:
    wrong = {**OLD, "password": b"changed-by-somebody"}
    backend.check(Turn("r1", "dev", "db", wrong, None, is_incident=True))


def test_without_tls_no_password_is_sent() -> None:
    with Postgres(tls=False) as plain:
        assert "it speaks no TLS" in refused(backend_of(plain).check, turn(new=None))
        assert "user=app_a" not in plain.log
        assert "user=rotator" not in plain.log


def test_ending_the_sessions_of_one_role_ends_no_other(server: Postgres, backend: Postgresql) -> None:
    backend.set(turn())
    with (
        server.login("other", "other-password") as bystander,
        server.login("app_b", NEW["password"].decode()) as new,
        server.login("app_a", OLD["password"].decode()) as old,
    ):
        backend.revoke(turn())
        assert bystander.execute("SELECT 1").fetchone() == (1,)
        assert new.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            old.execute("SELECT 1")
