# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody else takes away or sets back while a rotation goes on, and what a rotation leaves behind."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

from tests.support.rotation_model import SPACE, Database, Killed, World, settled, small_world

PATH = f"/api/v1/namespaces/{SPACE}/secrets/database"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Make a world with a database and one workload."""
    return small_world(monkeypatch)


def at(place: str, act: Callable[[], Any], *more: BaseException) -> Callable[[int, str], None]:
    """Return what happens once at one place, and what ends the run there."""
    done: list[str] = []

    def fault(_number: int, name: str) -> None:
        if name == place and not done:
            done.append(name)
            act()
            for error in more:
                raise error

    return fault


def taken(world: World) -> Callable[[], Any]:
    return lambda: world.api.objects.pop(PATH)


def said(world: World) -> dict[str, str]:
    """Return what the Secret says about itself."""
    annotations = world.api.objects[PATH]["metadata"]["annotations"]
    return {key: text for key, text in annotations.items() if key != names.FENCING}


@pytest.mark.parametrize(
    "place", ["after previous", "after journal set", "before stage introduce", "after journal finish"]
)
def test_a_secret_that_is_deleted_on_the_way_is_made_new(world: World, place: str) -> None:
    old = world.content("database")
    assert world.run(fault=at(place, taken(world)), rotation="one") is None
    assert settled(world) == []
    assert world.content("database") != old
    assert said(world)[names.ROTATION_ID] == "one"


@pytest.mark.parametrize("place", ["after journal set", "before stage introduce", "after stage introduce"])
def test_a_secret_that_is_deleted_before_an_end_is_made_new_by_the_next_run(world: World, place: str) -> None:
    with pytest.raises(Killed):
        world.run(fault=at(place, taken(world), Killed()), rotation="one")
    assert world.run(rotation="one") is None
    assert settled(world) == []
    assert len(world.database.told) == 2


@pytest.mark.parametrize("place", ["before backend set", "after stage introduce", "before stage old"])
def test_a_secret_that_is_deleted_on_the_way_back_is_as_before(world: World, place: str) -> None:
    old, notes = world.content("database"), said(world)
    world.api.unhealthy = lambda _name: True
    if place == "before stage old":
        fault = at(place, taken(world))
    else:
        fault = at(place, taken(world), RampartError("the place is broken."))
    error = world.run(fault=fault)
    world.api.heal()
    assert error is not None
    assert error.details["rollback"] == "verified"
    assert settled(world) == []
    assert (world.content("database"), said(world)) == (old, notes)


def test_what_a_secret_says_is_brought_back_though_its_content_is_already(world: World) -> None:
    old, notes = world.content("database"), said(world)

    def stuck(_number: int, name: str) -> None:
        if name == "before stage old":
            raise RampartError("the way back is broken.")

    world.api.unhealthy = lambda _name: True
    error = world.run(fault=stuck)
    assert error is not None
    assert error.details["rollback"] == "manual"
    world.api.heal()
    data = {key: base64.b64encode(value).decode() for key, value in old.items()}
    world.api.objects[PATH]["data"] = data
    assert said(world) != notes
    assert world.run(scope="due") is None
    assert settled(world) == []
    assert (world.content("database"), said(world)) == (old, notes)


def test_a_secret_that_is_set_back_after_the_commit_is_made_new_again(world: World) -> None:
    old = world.api.objects[PATH]["data"]

    def back() -> None:
        world.api.objects[PATH]["data"] = old

    assert world.run(fault=at("after journal finish", back)) is None
    assert settled(world) == []


@pytest.mark.parametrize(("place", "is_known"), [("after backend issue", False), ("before pending", True)])
def test_what_was_issued_is_taken_back(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str, is_known: bool
) -> None:
    taken_back: list[tuple[str, bool]] = []
    for name in ("discard", "unset"):
        monkeypatch.setattr(
            Database,
            name,
            lambda _self, turn: taken_back.append((turn.rotation, turn.new is not None)),
            raising=False,
        )
    error = world.run(rotation="one", fault=at(place, lambda: None, RampartError("the place is broken.")))
    assert error is not None
    assert error.details["rollback"] == "verified"
    assert taken_back == [("one", is_known)]
