# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept saves time or is state; neither is believed when somebody else could have written it."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import Clock
from ansible_collections.rampart.k8s.plugins.module_utils._scan.storage import (
    WORK_PREFIX,
    Cache,
    State,
    make_private,
)
from ansible_collections.rampart.k8s.tests.support.scanning import DIGEST, NOW, claim, report

FOUND = report(claim())


def test_a_report_is_found_by_exactly_its_key(tmp_path: Path) -> None:
    cache = Cache(tmp_path, write=True)
    cache.keep(DIGEST, "key", FOUND)
    assert cache.report(DIGEST, "trivy", "key") == FOUND
    assert cache.report(DIGEST, "trivy", "another key") is None
    assert cache.report(DIGEST, "grype", "key") is None
    assert cache.report("sha256:" + "b" * 64, "trivy", "key") is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"key": "key"}', '{"key": "key", "report": {"form": 0}}']
)
def test_a_broken_report_is_none(tmp_path: Path, content: str) -> None:
    cache = Cache(tmp_path, write=True)
    cache.keep(DIGEST, "key", FOUND)
    [path] = tmp_path.glob("reports/*/trivy.json")
    path.write_text(content)
    assert cache.report(DIGEST, "trivy", "key") is None


def test_without_writing_nothing_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    cache = Cache(folder, write=False)
    cache.keep(DIGEST, "key", FOUND)
    cache.remember("a", 1)
    cache.save()
    with cache.work() as work, cache.alone("layers", 1):
        assert work.is_dir()
    assert not folder.exists()
    assert not work.exists()


def test_what_was_measured_is_remembered(tmp_path: Path) -> None:
    cache = Cache(tmp_path, write=True)
    cache.remember("a", [1, "x"])
    cache.save()
    assert Cache(tmp_path, write=True).recall("a") == [1, "x"]
    assert Cache(tmp_path, write=True).recall("b") is None


def test_old_reports_go(tmp_path: Path) -> None:
    cache = Cache(tmp_path, write=True)
    cache.keep(DIGEST, "key", FOUND)
    [path] = tmp_path.glob("reports/*/trivy.json")
    long_ago = time.time() - 61 * 24 * 3600
    os.utime(path, (long_ago, long_ago))
    cache.drop_old()
    assert not path.exists()


def test_a_folder_that_others_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(RampartError, match="Others can write"):
        make_private(tmp_path / "open")


def test_what_a_killed_run_left_is_cleared_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    left = tmp_path / f"{WORK_PREFIX}left"
    (left / "deep").mkdir(parents=True)
    (left / "deep/file").touch()
    (left / "link").symlink_to("/")
    long_ago = time.time() - 3600
    os.utime(left, (long_ago, long_ago))
    with Cache(tmp_path, write=True).work() as first:
        os.utime(first, (long_ago, long_ago))
        with Cache(tmp_path, write=True).work():
            assert first.is_dir()
        assert not left.exists()


def test_a_second_run_waits_for_what_only_one_may_use(tmp_path: Path) -> None:
    with (
        Cache(tmp_path, write=True).alone("layers", 1),
        pytest.raises(RampartError, match="Another run"),
        Cache(tmp_path, write=True).alone("layers", 0.3),
    ):
        pass
    with Cache(tmp_path, write=True).alone("layers", 0.3):
        pass


def test_a_clock_is_kept_per_line(tmp_path: Path) -> None:
    state = State(tmp_path)
    seen = Clock().seen([frozenset({"CVE-2026-0001"})], NOW)
    state.save("team/api", seen, {"day": "2026-11-22", "high": 1})
    assert State(tmp_path).read("team/api") == (seen, [{"day": "2026-11-22", "high": 1}])
    assert State(tmp_path).read("team_api") == (Clock(), [])


def test_what_did_not_change_is_not_written(tmp_path: Path) -> None:
    state = State(tmp_path)
    names = [frozenset({"CVE-2026-0001"})]
    state.save("api", Clock().seen(names, NOW), {"day": "2026-11-22"})
    [path] = tmp_path.glob("lines/*.json")
    before = path.stat().st_ino
    later = state.read("api")[0].seen(names, NOW + timedelta(hours=1))
    state.save("api", later, {"day": "2026-11-22"})
    assert path.stat().st_ino == before


def test_a_day_has_one_point(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.save("api", Clock(), {"day": "2026-11-21", "high": 1})
    state.save("api", Clock(), {"day": "2026-11-22", "high": 2})
    points = state.save("api", Clock(), {"day": "2026-11-22", "high": 0})
    assert points == [{"day": "2026-11-21", "high": 1}, {"day": "2026-11-22", "high": 0}]


@pytest.mark.parametrize("content", ["", "{}", '{"sightings": [{"names": []}]}'])
def test_a_clock_that_cannot_be_read_is_no_new_clock(tmp_path: Path, content: str) -> None:
    state = State(tmp_path)
    state.save("api", Clock(), {"day": "2026-11-22"})
    [path] = tmp_path.glob("lines/*.json")
    path.write_text(content)
    with pytest.raises(RampartError, match="nobody knows since when"):
        state.read("api")


def test_the_memory_stays_within_bounds(tmp_path: Path) -> None:
    cache = Cache(tmp_path, write=True)
    for number in range(6000):
        cache.remember(f"n{number}", number)
    cache.save()
    assert len(json.loads((tmp_path / "memo.json").read_text())) == 5000
