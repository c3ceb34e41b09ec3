# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A PostgreSQL server whose login roles are rotated: two that alternate, or one whose password is replaced.

The rotator has no right of its own over other roles: it may call the functions of the schema ``rotation``
(roles/secrets/files/postgresql/rotator.sql makes them), for the roles that are listed there. A role without a
rotator, such as the superuser and the rotator itself, sets its own password. A password never leaves this
process: what the server gets is the SCRAM verifier.
"""

from __future__ import annotations

import contextlib
import datetime
import secrets
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Content, Turn, Unremarkable
from ansible_collections.rampart.k8s.plugins.module_utils._backends.reach import Behind, Surroundings
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import anonymous_file
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import psycopg
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission

if TYPE_CHECKING:
    from psycopg import Connection

LOOPBACK = "127.0.0.1"
NAME = "rampart-rotation"
TRIES = 3
FUNCTIONS = ("set_password", "sessions", "end_sessions")
# A server may lack it; its old roles then end when they are revoked, and not by themselves before.
EXPIRE = "expire"

_MAY_CALL = """
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'rotation' AND p.proname = ANY (%s)
AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
"""

# For a person who is the superuser.
_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $$ROLE$$"


class WrongPasswordError(RampartError):
    """The server knows another password of this role."""


@dataclass(slots=True)
class Postgresql(Unremarkable):
    """One server, for the roles of one secret."""

    options: Mapping[str, Any]
    strategy: str
    around: Surroundings
    _behind: Behind = field(init=False)

    def __post_init__(self) -> None:
        """Look for nothing yet."""
        self._behind = Behind(self.around, self.options.get("service"))

    @property
    def _where(self) -> str:
        service = self.options.get("service")
        if service:
            return f"PostgreSQL behind Service {self.around.space(service)}/{service['name']}"
        return f"PostgreSQL at {self.options['host']}:{self.options['port']}"

    def absent(self) -> str:
        """See whether a server runs; one that is deployed later begins with what stands in the Secret."""
        return self._behind.absent()

    def permissions(self) -> list[Permission]:
        """Return what the way to its Service takes."""
        return self._behind.permissions()

    def credential(self, held: Content) -> Content:
        """Take the role and its password for it."""
        wanted = (self.options["username_key"], self.options["password_key"])
        return {key: value for key, value in held.items() if key in wanted}

    def check(self, turn: Turn) -> None:
        """Log in with the old credential, and see that the rotator may do what comes."""
        if turn.old is not None and not turn.is_incident:
            self._login(turn.old, "the present credential of " + str(turn))
        if not self._has_rotator:
            return
        with self._rotator() as connection:
            lacking = sorted(set(FUNCTIONS) - self._may_call(connection))
        if lacking:
            raise RampartError(
                f"The rotator of {self._where} may not call rotation.{', rotation.'.join(lacking)}.",
                next_step="run roles/secrets/files/postgresql/rotator.sql there as the superuser",
            )

    @property
    def _has_rotator(self) -> bool:
        return bool(self.options.get("admin_secret"))

    @staticmethod
    def _may_call(connection: Connection[Any]) -> set[str]:
        rows = connection.execute(_MAY_CALL, ([*FUNCTIONS, EXPIRE],)).fetchall()
        return {str(row[0]) for row in rows}

    def issue(self, turn: Turn) -> Content:
        """Name the role that comes next: the other one, or the same where there is one only."""
        roles = list(self.options.get("roles") or ())
        old = self._role(turn.old) if turn.old else ""
        if not roles:
            if not old:
                raise RampartError(
                    f"It is not known which role of {self._where} the new Secret {turn} is for.",
                    next_step="name the roles of the backend",
                )
            roles = [old]
        if old and old not in roles:
            raise RampartError(
                f"Secret {turn} names the role {old}, which is none of those that are rotated.",
                next_step=f"use one of {', '.join(roles)}, or add it to the roles of the backend",
            )
        following = roles[(roles.index(old) + 1) % len(roles)] if old else roles[0]
        if self.strategy == "in_place" and old:
            following = old
        if following != old and not self._has_rotator:
            raise RampartError(
                f"Nobody may set the password of role {following} of {self._where}.",
                next_step="name the Secret of a rotator (admin_secret), or use the strategy in_place",
            )
        if following == old and self.strategy != "in_place":
            raise RampartError(
                f"The role {old} of {self._where} cannot have two passwords at the same time.",
                next_step="name two roles that alternate, or use the strategy in_place and accept a gap",
            )
        return {self.options["username_key"]: following.encode()}

    def _role(self, held: Content) -> str:
        return held.get(self.options["username_key"], b"").decode(errors="replace")

    def _password(self, held: Content) -> str:
        return held.get(self.options["password_key"], b"").decode(errors="replace")

    def set(self, turn: Turn) -> None:
        """Give the new role its password."""
        self._change(turn.old, turn.new or {})

    def _change(self, before: Content | None, after: Content) -> None:
        role, password = self._role(after), self._password(after)
        if self._has_rotator:
            with self._rotator() as connection:
                self._call(connection, "set_password", role, _verifier(connection, role, password))
        elif before is None or not self._accepts(after):
            with self._connected(role, self._password(before or after), f"role {role}") as connection:
                # A role may always set its own; a statement takes no parameters, and holds the verifier.
                quoted = psycopg.sql.Literal(_verifier(connection, role, password))
                connection.execute(psycopg.sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(quoted))

    def _accepts(self, held: Content) -> bool:
        """Say whether a credential is accepted: a killed run may have set it before."""
        try:
            self._login(held, "")
        except RampartError:
            return False
        return True

    def test(self, turn: Turn) -> None:
        """Log in as the new role."""
        self._login(turn.new or {}, "the new credential of " + str(turn))

    def usage(self, turn: Turn) -> list[str]:
        """Name the sessions of the old role."""
        role = self._role(turn.old or {})
        if role == self._role(turn.new or {}):
            return []
        with self._rotator() as connection:
            number = self._call(connection, "sessions", role)
        return [f"{number} sessions of role {role} at {self._where}"] if number else []

    def expire(self, turn: Turn, until: datetime.datetime) -> None:
        """Let the server itself refuse the old role from then on, where it knows how."""
        role = self._role(turn.old or {})
        if role == self._role(turn.new or {}):
            return
        with self._rotator() as connection:
            if EXPIRE in self._may_call(connection):
                self._call(connection, EXPIRE, role, until)

    def revoke(self, turn: Turn) -> None:
        """Take the old role's password away, and end what sessions it has left."""
        role = self._role(turn.old or {})
        if role != self._role(turn.new or {}):
            self._lock(role)

    def unset(self, turn: Turn) -> None:
        """Take the new role's password away, or give the one role its old password back."""
        new, old = self._role(turn.new or {}), self._role(turn.old or {})
        if new != old:
            self._lock(new)
        elif turn.old is not None:
            self._change(turn.new, turn.old)

    def _lock(self, role: str) -> None:
        """Give a role a password that nobody knows, this process included in a moment."""
        with self._rotator() as connection:
            forgotten = _verifier(connection, role, secrets.token_hex(32))
            self._call(connection, "set_password", role, forgotten)
            self._call(connection, "end_sessions", role)

    def by_hand(self, turn: Turn) -> list[str]:
        """Name the commands of a person who is the superuser there."""
        new, old = self._role(turn.new or {}), self._role(turn.old or {})
        if not new:
            return []
        if new != old:
            quoted = new.replace('"', '""')
            lock = shlex.quote(f'ALTER ROLE "{quoted}" PASSWORD NULL')
            end = shlex.quote(_END_SESSIONS.replace("ROLE", new))
            return [f"psql -c {lock} -c {end}  # at {self._where}, as the superuser"]
        return [f"psql -c '\\password {old}'  # at {self._where}: the old password, from the Secret"]

    def _call(self, connection: Connection[Any], function: str, role: str, *more: Any) -> int:
        """Call a function of the rotator; return the number that it answers, or 0."""
        marks = ", ".join(["%s"] * (1 + len(more)))
        try:
            row = connection.execute(f"SELECT rotation.{function}({marks})", (role, *more)).fetchone()
        except psycopg.Error as error:
            raise self._refused(f"{function} for role {role}", error) from None
        return int(row[0]) if row and isinstance(row[0], int) else 0

    def _refused(self, what: str, error: Exception) -> RampartError:
        said = getattr(getattr(error, "diag", None), "message_primary", None) or type(error).__name__
        return RampartError(
            f"{self._where} refused {what}: {said}.",
            next_step="see whether the rotator's functions know this role, and the server's log",
        )

    def _login(self, held: Content, what: str) -> None:
        with self._connected(self._role(held), self._password(held), what) as connection:
            connection.execute("SELECT 1")

    @contextlib.contextmanager
    def _rotator(self) -> Iterator[Connection[Any]]:
        """Connect as the rotator, whose own password may be on its way to another one."""
        name = self.options["admin_secret"]
        with self.around.turns[name], contextlib.ExitStack() as stack:
            yield self._first(stack, name)

    def _first(self, stack: contextlib.ExitStack, name: str) -> Connection[Any]:
        refused: WrongPasswordError | None = None
        for held in self._candidates(name):
            user, password = (held.get(key, b"").decode() for key in ("username", "password"))
            try:
                return stack.enter_context(self._connected(user, password, f"the rotator {user}"))
            except WrongPasswordError as error:
                refused = refused or error
        raise refused or ValueError("there are no candidates")

    def _candidates(self, name: str) -> Iterator[Content]:
        """Yield what may be right now: it is looked at anew, since others work meanwhile."""
        yield self.around.secret(name)
        yield from self.around.under_way(name)
        yield self.around.secret(name)

    @contextlib.contextmanager
    def _connected(self, user: str, password: str, what: str) -> Iterator[Connection[Any]]:
        """Connect over TLS to the server that can be written to, and verify who it is."""
        with contextlib.ExitStack() as stack:
            parameters = {
                "user": user,
                "password": password,
                "dbname": self.options["database"],
                "connect_timeout": self.options["timeout"],
                "application_name": NAME,
                "target_session_attrs": "read-write",
                "require_auth": "scram-sha-256",
                **self._address(stack),
                **self._trust(stack),
            }
            yield stack.enter_context(self._opened(parameters, what))

    def _opened(self, parameters: Mapping[str, Any], what: str) -> Connection[Any]:
        """Connect; what breaks on the way is tried again, what the server refuses is not."""
        for left in reversed(range(TRIES)):
            try:
                return psycopg.connect(**parameters, autocommit=True)
            except psycopg.OperationalError as error:
                text = str(error)
                if not left or any(mark in text for mark, _why, _step in _REASONS if mark != _LATE):
                    raise self._unreachable(what, text) from None
        raise ValueError("it is never tried")

    def _address(self, stack: contextlib.ExitStack) -> dict[str, Any]:
        service = self.options.get("service")
        if not service:
            return {"host": self.options["host"], "port": self.options["port"]}
        pods = self._behind.pods()
        if not pods:
            raise RampartError(f"No ready pod stands behind {self._where}.", next_step="see why not")
        name = self.options.get("server_name") or self.around.server_name(service)
        ports = [stack.enter_context(self.around.port(service, pod)) for pod in pods]
        # One entry for each pod: the library takes the first that can be written to.
        return {
            "host": ",".join([name] * len(ports)),
            "hostaddr": ",".join([LOOPBACK] * len(ports)),
            "port": ",".join(map(str, ports)),
        }

    def _trust(self, stack: contextlib.ExitStack) -> dict[str, Any]:
        name = self.options.get("ca_secret")
        if not name:
            return {"sslmode": "verify-full", "sslrootcert": "system"}
        stream = stack.enter_context(anonymous_file())
        stream.write(self.around.text(name, "ca.crt").encode())
        stream.flush()
        return {"sslmode": "verify-full", "sslrootcert": f"/dev/fd/{stream.fileno()}"}

    def _unreachable(self, what: str, text: str) -> RampartError:
        for mark, why, step in _REASONS:
            if mark in text:
                made = WrongPasswordError if mark == _MISMATCH else RampartError
                return made(f"{self._where} did not accept {what}: {why}.", next_step=step)
        return RampartError(
            f"{self._where} could not be reached for {what}.",
            next_step="see whether the server runs, and its log",
        )


def _verifier(connection: Connection[Any], role: str, password: str) -> str:
    """Compute what the server keeps in place of a password, with its own settings for it."""
    made = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return made.decode("ascii")


_MISMATCH = "password authentication failed"
_LATE = "timeout expired"
# The library's text names hosts and users, and a later version could name more: it is not shown.
_REASONS = (
    (
        _MISMATCH,
        "the password is not right",
        "somebody changed it beside the rotation; set it to what stands in the Secret",
    ),
    (
        "certificate verify failed",
        "its certificate is not signed by the authority of ca_secret",
        "name the right authority; no credential was sent",
    ),
    (
        "does not match host name",
        "its certificate is for another name",
        "issue it for the Service's name, or set server_name",
    ),
    ("does not support SSL", "it speaks no TLS", "turn ssl on; no credential was sent"),
    ("is not permitted to log in", "the role may not log in", "ALTER ROLE ... LOGIN"),
    ("does not exist", "the role or the database does not exist", "create it, or correct its name"),
    ("read-only", "it can only be read", "name the primary server"),
    ("Connection refused", "nobody listens there", "start the server, or correct the address"),
    (_LATE, "it did not answer in time", "look at the server and at the way to it"),
)
