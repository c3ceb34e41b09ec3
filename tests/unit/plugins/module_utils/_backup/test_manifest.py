# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._backup import manifest
from ansible_collections.rampart.k8s.plugins.module_utils._backup.manifest import Canary, Manifest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

TAKEN = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
MADE = Manifest(
    snapshot="etcd-20261129T030000Z.db",
    sha256="a" * 64,
    size=4096,
    taken="2026-11-29T03:00:00Z",
    cluster="cdb20e53-53a6-49ca-b35a-3fbc960957b4",
    revision=274,
    keys=236,
    prefix="/registry",
    encryption_keys=("secretbox(key-1)",),
    canary=Canary("kube-system", "rampart-backup-canary-1", "b" * 64),
)


def test_what_was_written_is_read_back() -> None:
    assert Manifest.load(MADE.dump(), "m.json") == MADE
    assert Manifest.load(replace(MADE, encryption_keys=()).dump(), "m.json").encryption_keys == ()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"sha256": "A" * 64},
        {"sha256": None},
        {"size": 0},
        {"revision": "274"},
        {"keys": True},
        {"cluster": ""},
        {"snapshot": "../etcd-20261129T030000Z.db"},
        {"snapshot": "etcd-20261129T030001Z.db"},
        {"taken": "yesterday"},
        {"encryption_keys": [1]},
        {"canary": {}},
        {"canary": {"namespace": "a", "name": "b", "sha256": ""}},
        {"more": "fields"},
    ],
    ids=str,
)
def test_anything_else_is_an_error(change: dict[str, Any]) -> None:
    content = json.dumps({**json.loads(MADE.dump()), **change}).encode()
    with pytest.raises(RampartError, match="is no manifest of a backup"):
        Manifest.load(content, "m.json")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", MADE.dump()[:-3]])
def test_a_file_that_is_cut_off_is_an_error(content: bytes) -> None:
    with pytest.raises(RampartError, match="no manifest"):
        Manifest.load(content, "m.json")


@pytest.mark.parametrize(
    ("passed", "young"),
    [
        (timedelta(0), True),
        (timedelta(hours=24), True),
        (timedelta(hours=24, seconds=1), False),
        # A clock that was set back makes nothing young.
        (timedelta(seconds=-1), False),
    ],
)
def test_age(passed: timedelta, *, young: bool) -> None:
    assert MADE.is_younger(timedelta(hours=24), TAKEN + passed) is young


def test_the_newest_are_kept() -> None:
    names = [manifest.snapshot_name(TAKEN + timedelta(days=day)) for day in (2, 0, 1)]
    assert manifest.surplus(names, 2) == [names[1]]
    assert manifest.surplus(names, 0) == sorted(names)
    assert manifest.surplus(names, 3) == []
