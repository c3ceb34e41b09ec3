# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a backend is asked, and what it is never asked for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Backend
from ansible_collections.rampart.k8s.plugins.module_utils._backends.http import HttpApi
from ansible_collections.rampart.k8s.plugins.module_utils._backends.key_list import KeyList

from tests.support.rotation_model import Database, World, holds, settled, small_world

AWAY = "no ready pod stands behind Service dev/postgresql"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Make a world with a database and one workload."""
    return small_world(monkeypatch)


def test_in_an_incident_the_present_credential_need_not_work(world: World) -> None:
    world.database.accepted["app_a"] = b"changed by somebody"
    error = world.run()
    assert error is not None
    assert "the present credential is refused" in error.message
    assert world.run(reason="incident") is None
    assert settled(world) == []


@pytest.mark.parametrize("reason", ["scheduled", "incident"])
def test_without_its_backend_nothing_is_rotated(world: World, reason: str) -> None:
    world.database.away = AWAY
    old, accepted = world.content("database"), dict(world.database.accepted)
    world.api.writes.clear()
    error = world.run(reason=reason)
    assert error is not None
    assert f"Secret dev/database cannot be rotated: {AWAY}" in error.message
    assert world.api.writes == []
    assert (world.content("database"), world.database.accepted) == (old, accepted)
    world.database.away = ""
    assert world.run(reason=reason) is None
    assert settled(world) == []


def test_a_backend_that_goes_away_on_the_way_is_a_failure(world: World) -> None:
    world.run()
    places = len(world.reached)
    for number in range(1, places + 1):

        def leave(place: int, _name: str, number: int = number) -> None:
            if place == number:
                world.database.away = AWAY

        old = world.content("database")
        error = world.run(fault=leave)
        ended = world.reached[-1]
        assert holds(world) == [], ended
        if world.content("database") != old and error is None:
            # It went when nothing was left to be asked.
            assert settled(world) == [], ended
        world.database.away = ""
        assert world.run(scope="due") is None, ended
        assert settled(world) == [], ended


@pytest.fixture
def revoked(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what the database is asked to take back."""
    asked: list[str] = []

    def note(name: str) -> Any:
        def noted(*_given: Any) -> list[str]:
            asked.append(name)
            return []

        return noted

    for name in ("revoke", "unset", "usage", "expire"):
        monkeypatch.setattr(Database, name, note(name))
    return asked


@pytest.mark.parametrize("refuses", [False, True])
def test_a_credential_that_stays_is_not_revoked(
    world: World, revoked: list[str], monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    world.database.refuses = refuses
    monkeypatch.setattr(Database, "credential", lambda _self, _held: {"key": b"the same"})
    error = world.run()
    assert (error is not None) is refuses
    assert revoked == []


@pytest.mark.parametrize("refuses", [False, True])
def test_a_credential_that_changes_is_revoked(world: World, revoked: list[str], refuses: bool) -> None:
    world.database.refuses = refuses
    world.run()
    assert ("unset" if refuses else "revoke") in revoked


def of_http(revoke: dict[str, Any] | None) -> Backend:
    nobody: Any = None
    return HttpApi({"url": "https://api.example", "revoke": revoke}, nobody, nobody)


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        (
            of_http({"path": "/keys/${old.id}", "headers": {"X": "${admin.k}"}, "body": {"k": ["${old.k}"]}}),
            "id k",
        ),
        (of_http({"path": "/keys/last"}), "id k other"),
        (of_http(None), "id k other"),
        (KeyList({"name": "list", "key": "k"}, *[None, None]), "k"),  # type: ignore[arg-type]
    ],
)
def test_a_backend_knows_what_it_accepts_by(backend: Backend, found: str) -> None:
    held = {"id": b"1", "k": b"2", "other": b"3"}
    assert backend.credential(held) == {key: held[key] for key in found.split()}
