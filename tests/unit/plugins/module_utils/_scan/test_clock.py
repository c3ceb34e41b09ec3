# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock of a line of images starts once, and nothing that a build does starts it anew."""

from __future__ import annotations

import json
from datetime import timedelta

from ansible_collections.rampart.k8s.plugins.module_utils._scan import clock
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import Clock
from ansible_collections.rampart.k8s.tests.support.scanning import NOW
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = timedelta(days=1)
A, B = frozenset({"CVE-2026-0001"}), frozenset({"CVE-2026-0002"})


def test_it_starts_when_something_is_first_seen() -> None:
    first = Clock().seen([A], NOW)
    later = first.seen([A, B], NOW + DAY)
    assert (later.first_seen(A), later.first_seen(B)) == (NOW, NOW + DAY)
    assert Clock().first_seen(A) is None


def test_what_is_gone_and_comes_back_keeps_its_first_day() -> None:
    """Two images of a line that take turns would stop the clock otherwise."""
    found = Clock().seen([A], NOW).seen([], NOW + DAY).seen([A], NOW + 2 * DAY)
    assert found.first_seen(A) == NOW


def test_a_new_name_for_the_same_does_not_start_it_anew() -> None:
    wider = A | {"GHSA-aaaa-bbbb-cccc"}
    found = Clock().seen([frozenset({"GHSA-aaaa-bbbb-cccc"})], NOW).seen([wider], NOW + DAY)
    assert found.first_seen(A) == NOW
    assert len(found.sightings) == 1


def test_what_nobody_has_seen_for_a_year_is_forgotten() -> None:
    found = Clock().seen([A], NOW).seen([B], NOW + 401 * DAY)
    assert found.first_seen(A) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from([A, B, A | B])), max_size=8))
def test_it_never_goes_back_nor_forward(scans: list[set[frozenset[str]]]) -> None:
    found, first = Clock(), dict[str, int]()
    for day, names in enumerate(scans):
        found = found.seen(sorted(names, key=sorted), NOW + day * DAY)
        for group in names:
            for name in group:
                first.setdefault(name, day)
        for name, start in first.items():
            seen = found.first_seen(frozenset({name}))
            assert seen is not None
            assert seen <= NOW + start * DAY


def test_it_is_kept_and_read_back() -> None:
    found = Clock().seen([A, B], NOW)
    assert clock.of(json.loads(json.dumps(found.as_data()))) == found
