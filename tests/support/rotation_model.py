# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small world for rotations: a database with two roles, tokens that are signed and verified, workloads that
use both, and the promises that must hold after every single change of it."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Content, NoBackend, Turn
from ansible_collections.rampart.k8s.plugins.module_utils._backends.choose import Backends, Marked
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import outlook
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.order import Order
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.report import Report
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.run import Runner
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Settings
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.store import Store
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes, names
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition

from tests.support.api_model import ApiModel, ShellModel
from tests.support.failpoints import observed

SPACE = "dev"
SETTINGS = Settings("100%", 30, 0, True, classes.merge({"signing": {"grace_seconds": 0}}))

PASSWORD = {"name": "password", "generator": "password", "entropy_bits": 192}
DATABASE = {
    "namespace": SPACE,
    "name": "database",
    "secret_class": "database",
    "keys": [{"name": "username", "generator": "backend"}, PASSWORD],
    "backend": {"command": {"argv": ["none"]}},
}
SIGNING = {
    "namespace": SPACE,
    "name": "signing",
    "secret_class": "signing",
    "keys": [{"name": "jwks.json", "generator": "signing_keys", "algorithm": "EdDSA"}],
}
PUBLIC = {
    "namespace": SPACE,
    "name": "public",
    "secret_class": "signing",
    "keys": [{"name": "jwks.json", "generator": "jwks", "source": "signing", "source_key": "jwks.json"}],
}
SESSION = {
    "namespace": SPACE,
    "name": "session",
    "secret_class": "api_key",
    "strategy": "versioned",
    "keys": [{"name": "key", "generator": "bytes", "size": 32, "encoding": "hex"}],
}
USES = {"api": ("database", "signing", "public"), "web": ("public", "session"), "job": ("database",)}


class Killed(BaseException):
    """The process ended here."""


@dataclass(slots=True)
class Database(NoBackend):
    """Two login roles. What it accepts is what it holds now."""

    accepted: dict[str, bytes] = field(default_factory=dict)
    # Every password that it was ever told.
    told: set[bytes] = field(default_factory=set)
    refuses: bool = False
    # Why it is away, though it has roles.
    away: str = ""

    def accepts(self, held: Content) -> bool:
        """Log in."""
        return bool(held) and self.accepted.get(held["username"].decode()) == held["password"]

    def absent(self) -> str:
        """It runs as soon as it has a role."""
        return self.away or ("" if self.accepted else "it has no role")

    def check(self, turn: Turn) -> None:
        """Log in as the old role."""
        if turn.old is not None and not turn.is_incident and not self.accepts(turn.old):
            raise RampartError("the present credential is refused.")

    def issue(self, turn: Turn) -> Content:
        """Let the roles alternate."""
        old = turn.old["username"].decode() if turn.old else "app_b"
        return {"username": b"app_b" if old == "app_a" else b"app_a"}

    def set(self, turn: Turn) -> None:
        """Accept the new one."""
        new = turn.new or {}
        assert turn.old is None or new["username"] != turn.old["username"]
        self.accepted[new["username"].decode()] = new["password"]
        self.told.add(new["password"])

    def test(self, turn: Turn) -> None:
        """Log in as the new role."""
        if self.refuses or not self.accepts(turn.new or {}):
            raise RampartError("the new credential is refused.")

    def revoke(self, turn: Turn) -> None:
        """Refuse the old one."""
        self.accepted.pop((turn.old or {})["username"].decode(), None)

    def unset(self, turn: Turn) -> None:
        """Refuse the new one."""
        self.accepted.pop((turn.new or {})["username"].decode(), None)


def deployment(name: str, secrets: dict[str, str], replicas: int = 2) -> dict[str, Any]:
    """Return a workload that mounts some Secrets, each at a place of its own."""
    volumes = [
        {"name": f"v{number}", "secret": {"secretName": secret}}
        for number, secret in enumerate(secrets.values())
    ]
    mounts = [
        {"name": f"v{number}", "mountPath": f"/run/secrets/{logical}"}
        for number, logical in enumerate(secrets)
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [{"name": "main", "image": "registry.local/a:1", "volumeMounts": mounts}],
                    "volumes": volumes,
                },
            },
        },
    }


@dataclass(slots=True)
class World:
    """A namespace, its database, and everything that was ever promised about them."""

    api: Any
    database: Database = field(default_factory=Database)
    definitions: list[Definition] = field(default_factory=list)
    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reached: list[str] = field(default_factory=list)
    moment: datetime.datetime = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def build(self) -> None:
        """Make the namespace, its Secrets, and the workloads that use them."""
        self.api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": SPACE}})
        assert self.run(scope="missing") is None
        self.database.accepted = {"app_a": self.content("database")["password"]}
        self.database.told = set(self.database.accepted.values())
        for name, used in self.uses.items():
            body = deployment(name, {logical: self.object_name(logical) for logical in used})
            self.api.call("POST", f"/apis/apps/v1/namespaces/{SPACE}/deployments", body=body)

    # Reads, without the code that is tested.

    def secrets(self, role: str = "") -> list[dict[str, Any]]:
        """List Secrets, all or those with a role."""
        query = {"labelSelector": f"{names.ROLE}={role}"} if role else {}
        return list(self.api.list_all(f"/api/v1/namespaces/{SPACE}/secrets", query=query)[0])

    def object_name(self, logical: str) -> str:
        """Return the Secret that holds a declared one now."""
        if logical != "session":
            return logical
        mine = [item["metadata"] for item in self.secrets(names.VERSION)]
        return str(max(mine, key=lambda one: one["annotations"][names.ROTATED_AT])["name"])

    def content(self, logical: str) -> dict[str, bytes]:
        """Return what a declared secret holds now."""
        return dict(self.api.content(SPACE, self.object_name(logical)))

    # One run, with a fault in it.

    def run(
        self,
        *,
        scope: str = "all",
        reason: str = "scheduled",
        rotation: str = "",
        fault: Callable[[int, str], None] | None = None,
    ) -> RampartError | None:
        """Run once; return the failure, or None. ``fault`` is called at each place with its number."""
        self.reached = []

        def observer(place: str) -> None:
            self.reached.append(place)
            if fault is not None:
                fault(len(self.reached), place)

        self.moment += datetime.timedelta(days=1)
        order = Order(scope, reason, rotation or f"r{self.moment:%Y%m%d}", bool(rotation), settings=SETTINGS)
        try:
            with observed(observer):
                self._run(order)
        except RampartError as error:
            return error
        return None

    def _run(self, order: Order) -> None:
        redactor, progress = Redactor(), Progress(None)
        seen = outlook.outlook(Store(self.api, SPACE), self.definitions, order, redactor, check_mode=False)
        if seen.changes:
            report = Report.of_outlooks([seen], self.api, order.settings.classes)
            Runner(self.api, order, redactor, progress, report).run(SPACE, self.definitions)
            report.conclude(Plan(True, ""))


def kids(content: Content) -> set[str]:
    """Return the names of the keys in a set."""
    return {key["kid"] for key in json.loads(content["jwks.json"])["keys"]}


def holds(world: World) -> list[str]:
    """Return every promise that is broken now."""
    broken = []
    by_secret: dict[str, list[dict[str, bytes]]] = {}
    for path, held in world.api.held.items():
        for secret, content in held.items():
            by_secret.setdefault("session" if secret.startswith("session-") else secret, []).append(content)
            if secret == "database" and not world.database.accepts(content):
                broken.append(f"{path} holds a credential that the database refuses")
    signers = {kid for content in by_secret.get("signing", []) for kid in list(kids(content))[:1]}
    for content in by_secret.get("public", []):
        if not signers <= kids(content):
            broken.append("a token that is signed now would be refused by somebody")
    for logical, found in by_secret.items():
        if (
            logical != "public"
            and len({json.dumps({k: v.hex() for k, v in one.items()}, sort_keys=True) for one in found}) > 2
        ):
            broken.append(f"a third value of {logical} is in use")
    journals = world.secrets(names.JOURNAL)
    for item in journals:
        text = json.dumps(item)
        if any(value.decode() in text for value in world.database.told):
            broken.append("the journal holds a value")
    return broken


def settled(world: World) -> list[str]:
    """Return what is not as it must be when nothing is under way any more."""
    broken = holds(world)
    left = [
        item["metadata"]["name"]
        for role in (names.JOURNAL, names.PENDING, names.PREVIOUS)
        for item in world.secrets(role)
    ]
    if left:
        broken.append(f"left behind: {left}")
    if world.database.accepted != {
        world.content("database")["username"].decode(): world.content("database")["password"]
    }:
        broken.append("the database accepts something else than what the Secret holds")
    declared = {one.name for one in world.definitions}
    if "public" in declared and kids(world.content("public")) != kids(world.content("signing")):
        broken.append("the public keys are not those of the signer")
    for path, held in world.api.held.items():
        for secret, content in held.items():
            if content != dict(world.api.content(SPACE, secret)):
                broken.append(f"{path} holds another content of {secret}")
            if secret.startswith("session-") and secret != world.object_name("session"):
                broken.append(f"{path} uses an old version")
    return broken


def backends_of(world: World) -> Any:
    """Return what takes the place of the choice of backends."""

    class Chosen(Backends):
        """The model's database for the secret that has a backend."""

        def of(self, definition: Definition) -> Any:
            return Marked(world.database if definition.backend else NoBackend())

    return Chosen


def whole_world(patch: pytest.MonkeyPatch) -> World:
    """Make a world with a database, tokens, versions and three workloads."""
    definitions = [Definition.of(one) for one in (DATABASE, SIGNING, PUBLIC, SESSION)]
    return _made(World(ApiModel(), definitions=definitions, uses=USES), patch)


def small_world(patch: pytest.MonkeyPatch) -> World:
    """Make a world with a database and one workload."""
    uses = {"api": ("database",)}
    return _made(World(ApiModel(), definitions=[Definition.of(DATABASE)], uses=uses), patch)


def _made(made: World, patch: pytest.MonkeyPatch) -> World:
    patch.setattr(outlook, "Backends", backends_of(made))
    patch.setattr(outlook, "Shell", ShellModel)
    patch.setattr(classes, "now", lambda: made.moment)
    made.build()
    return made


def ends_at(number: int, end: BaseException) -> Callable[[int, str], None]:
    """Return a fault that happens at one place."""

    def fault(place: int, _name: str) -> None:
        if place == number:
            raise end

    return fault


def watched(world: World) -> World:
    """Have every promise checked after every write."""

    def check() -> None:
        assert holds(world) == []

    world.api.after_write = check
    return world


def end_everywhere(make: Callable[[], World]) -> int:
    """End a rotation at each of its places and run again; return the number of places."""
    world = make()
    world.run()
    places = len(world.reached)
    for number in range(1, places + 1):
        world = watched(make())
        with contextlib.suppress(Killed):
            world.run(rotation="one", fault=ends_at(number, Killed()))
        ended = world.reached[-1]
        assert holds(world) == [], ended
        assert world.run(rotation="one") is None, ended
        assert settled(world) == [], ended
        # What had been made before the end was not made again.
        assert len(world.database.told) == 2, ended
    return places


def fail_everywhere(make: Callable[[], World]) -> int:
    """Let each place of a rotation fail; return how often everything was brought back."""
    world = make()
    world.run()
    returned = 0
    for number in range(1, len(world.reached) + 1):
        world = watched(make())
        old = world.content("database")
        error = world.run(fault=ends_at(number, RampartError("the place is broken.")))
        failed = world.reached[number - 1]
        assert error is not None, failed
        assert holds(world) == [], failed
        if error.details.get("rollback") == "verified":
            returned += 1
            assert world.content("database") == old, failed
            assert settled(world) == [], failed
        assert world.run() is None, failed
        assert settled(world) == [], failed
    return returned
