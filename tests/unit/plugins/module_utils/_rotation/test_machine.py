# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promises of a rotation on a model of the API server; tests/faults/rotation has the long forms."""

from __future__ import annotations

import pytest

from tests.support.rotation_model import (
    World,
    end_everywhere,
    fail_everywhere,
    settled,
    small_world,
    watched,
    whole_world,
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Make a world with a database, tokens, versions and three workloads."""
    return watched(whole_world(monkeypatch))


def test_a_rotation_changes_everything_once(world: World) -> None:
    before = {name: world.content(name) for name in ("database", "signing", "public", "session")}
    assert world.run() is None
    assert settled(world) == []
    after = {name: world.content(name) for name in before}
    assert all(before[name] != after[name] for name in before)
    assert len(world.database.told) == 2


def test_what_is_not_due_causes_no_write(world: World) -> None:
    world.api.writes.clear()
    assert world.run(scope="due") is None
    assert world.api.writes == []


def test_after_an_end_at_any_place_the_next_run_finishes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert end_everywhere(lambda: small_world(monkeypatch)) > 30


def test_after_a_failure_at_any_place_all_is_old_or_new(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fail_everywhere(lambda: small_world(monkeypatch)) > 10
