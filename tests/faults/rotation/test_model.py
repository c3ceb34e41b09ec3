# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills, failures and sick workloads by chance, against a model of the API server and of a database.

After every single write of every run: each running consumer holds a credential that the database accepts,
no third value is in use, whatever is signed is accepted by all, and no journal holds a value. After the last
run, without a fault: everything is new and equal, or as it was, and nothing is left behind.
"""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.rotation_model import (
    USES,
    Killed,
    World,
    end_everywhere,
    ends_at,
    fail_everywhere,
    holds,
    settled,
    watched,
    whole_world,
)

SEQUENCES = 500
# Runs until everything is well again: one finishes what is open, one rotates what had to return.
LAST_RUNS = 3

PLACES = st.integers(1, 170)
STEP = st.one_of(
    st.tuples(st.just("kill"), PLACES),
    st.tuples(st.just("fail"), PLACES),
    st.tuples(st.just("sick"), st.sampled_from(sorted(USES))),
    st.tuples(st.just("refuse"), st.just(0)),
    st.tuples(st.just("run"), st.just(0)),
)
REASON = st.sampled_from(["scheduled", "incident"])


def take(world: World, step: tuple[str, int | str], reason: str) -> None:
    """Run once with one fault."""
    kind, what = step
    faults = {"kill": Killed(), "fail": RampartError("this place is broken.")}
    world.api.unhealthy = lambda name: kind == "sick" and name == what
    world.database.refuses = kind == "refuse"
    fault = ends_at(int(what), faults[kind]) if kind in faults else None
    with contextlib.suppress(Killed):
        world.run(reason=reason, fault=fault)
    world.api.heal()
    world.database.refuses = False


@settings(max_examples=SEQUENCES, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(STEP, REASON), min_size=1, max_size=6))
def test_whatever_happens_the_promises_hold(steps: list[tuple[tuple[str, int | str], str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        world = watched(whole_world(patch))
        for step, reason in steps:
            take(world, step, reason)
            assert holds(world) == []
        ended = [world.run(scope="due") for _number in range(LAST_RUNS)]
        assert ended[-1] is None
        assert settled(world) == []
        world.api.writes.clear()
        assert world.run(scope="due") is None
        assert world.api.writes == []


def test_an_end_at_every_place_of_a_whole_world(monkeypatch: pytest.MonkeyPatch) -> None:
    assert end_everywhere(lambda: whole_world(monkeypatch)) > 70


def test_a_failure_at_every_place_of_a_whole_world(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fail_everywhere(lambda: whole_world(monkeypatch)) > 30
