# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotations that are killed anywhere, begun again, and mixed with all that goes on in a cluster.

A small cluster of three API servers, one file and a few stored values stands for the real one. What is
decided is decided by the product's own functions; the rest is what could happen in between. Whatever
happens: every API server can read every value at every moment, and a run that is let go to its end
leaves every value under the one key that is left.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ansible_collections.rampart.k8s.plugins.module_utils._encryption import transitions
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import Envelope
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    IDENTITY,
    PLAIN,
    Configuration,
    Entry,
    Key,
    Mark,
    Provider,
    entries_of,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotation import Step, decide, staleness
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.transitions import Target
from hypothesis import given, settings
from hypothesis import strategies as st

SERVERS = 3
OBJECTS = ("secrets", "secrets", "configmaps", "leases.coordination.k8s.io")
BEGINNING = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
KMS = {"apiVersion": "v2", "name": "vault", "endpoint": "unix:///v.sock", "timeout": "3s"}


class World:
    """A cluster, as far as encryption goes."""

    def __init__(self) -> None:
        first = Key("key-20261101-000000-00000000", "")
        self.file = Configuration((Entry(("secrets", "configmaps"), (Provider("secretbox", (first,)),)),))
        self.loaded = [self.file] * SERVERS
        self.stored: dict[int, tuple[str, Mark]] = {}
        self.now = BEGINNING
        self.serial = itertools.count(1)
        self.target = Target("secretbox", max_age=timedelta(days=90))
        for number in range(len(OBJECTS)):
            self.write(number, 0)

    def write(self, number: int, server: int) -> None:
        """A client edits an object through one of the servers."""
        resource = OBJECTS[number]
        entries = entries_of(self.loaded[server], resource)
        self.stored[number] = (resource, entries[0].mark if entries else PLAIN)

    def check(self) -> None:
        """Every server can read everything."""
        for loaded in self.loaded:
            for resource, mark in self.stored.values():
                entries = entries_of(loaded, resource)
                readable = [part for entry in entries for part in entry.marks] or [PLAIN]
                assert mark in readable, f"{mark} of {resource} cannot be read: {loaded.shown()}"

    def stale(self) -> dict[str, int]:
        is_stale = staleness(self.file, self.target, {})
        found = Counter(
            resource
            for resource, mark in self.stored.values()
            if is_stale(resource, Envelope(mark[0], "v", mark[1]))
        )
        return dict(found)

    def make_key(self, least: datetime | None) -> Key:
        moment = max(self.now, least or self.now)
        return Key(f"key-{moment:%Y%m%d-%H%M%S}-{next(self.serial):08x}", "")

    def run(self) -> Iterator[None]:
        """Do what encryption_rotate does; it can be stopped for ever at each yield."""
        while True:
            yield
            for server in range(SERVERS):
                self.loaded[server] = self.file
                yield
            seen = self.file
            decision = decide(seen, self.target, now=self.now, writes={}, stale=self.stale)
            if decision is None:
                return
            if decision.step is Step.REWRITE:
                is_stale = staleness(seen, self.target, {})
                for number, (resource, mark) in list(self.stored.items()):
                    if is_stale(resource, Envelope(mark[0], "v", mark[1])):
                        self.write(number, number % SERVERS)
                        yield
                continue
            if decision.step is Step.ADD:
                changed = transitions.add(seen, self.target, decision.entries, self.make_key)
            elif decision.step is Step.PROMOTE:
                changed = transitions.promote(seen, self.target)
            else:
                changed = transitions.retire(seen, self.target, decision.entries)
            yield
            # Only when nobody else has written the file meanwhile.
            if self.file == seen:
                self.file = changed

    def new_resource(self) -> None:
        """encryption_config is asked for one more resource, and all API servers are started anew."""
        name = OBJECTS[-1]
        if not entries_of(self.file, name):
            writer = self.file.entries[0].writer
            if writer.kind != "kms":
                self.file = Configuration((*self.file.entries, Entry((name,), (writer, IDENTITY))))
                self.loaded = [self.file] * SERVERS


def killed_run(world: World, point: int) -> None:
    for _step in itertools.islice(world.run(), point):
        world.check()


def whole_run(world: World) -> None:
    for _step in itertools.islice(world.run(), 500):
        world.check()
    world.check()
    assert not world.stale()
    for entry in world.file.entries:
        assert entry.marks == (entry.mark,)
        assert entry.mark.provider == world.target.provider
    assert world.loaded == [world.file] * SERVERS
    before = world.file, dict(world.stored)
    for _step in world.run():
        pass
    assert (world.file, world.stored) == before


EVENTS = st.one_of(
    st.tuples(st.just("kill"), st.integers(0, 40)),
    st.tuples(st.just("edit"), st.integers(0, len(OBJECTS) * SERVERS - 1)),
    st.tuples(st.just("restart"), st.integers(0, SERVERS - 1)),
    st.tuples(st.just("clock"), st.integers(-5000, 5000)),
    st.tuples(st.just("incident"), st.just(0)),
    st.tuples(st.just("provider"), st.sampled_from((0, 1, 2))),
    st.tuples(st.just("resource"), st.just(0)),
    st.tuples(st.just("finish"), st.just(0)),
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(EVENTS, max_size=14))
def test_whatever_happens_every_value_can_be_read_and_the_end_is_clean(events: list[tuple[str, int]]) -> None:
    world = World()
    for name, number in events:
        if name == "kill":
            killed_run(world, number)
        elif name == "edit":
            world.write(number % len(OBJECTS), number // len(OBJECTS))
        elif name == "restart":
            world.loaded[number] = world.file
        elif name == "clock":
            world.now += timedelta(seconds=number)
        elif name == "incident":
            world.target = Target(world.target.provider, world.target.kms, made_before=world.now)
        elif name == "provider":
            provider = ("secretbox", "aesgcm", "kms")[number]
            world.target = Target(provider, KMS if provider == "kms" else {})
        elif name == "resource":
            world.new_resource()
        else:
            whole_run(world)
        world.check()
    whole_run(world)
