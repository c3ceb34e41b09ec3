# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scanner that does not find the sentinel is blind."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._credentials import sentinel


def test_a_sentinel_is_put_into_each_packing_that_is_used(tmp_path: Path) -> None:
    assert sentinel.plant(tmp_path, [".tar.gz", ".tar.zst", ".tar.gz"]) == [
        "rampart-sentinel.tar",
        "rampart-sentinel.tar.gz",
    ]
    for path in tmp_path.iterdir():
        with tarfile.open(path) as archive:
            assert archive.getnames() == ["sentinel.env"]


def test_no_two_are_the_same() -> None:
    assert sentinel.text().content != sentinel.text().content


def test_they_are_taken_out_of_the_report_again() -> None:
    report = [{"File": "x/rampart-sentinel.tar!sentinel.env"}, {"File": "x/000.tar!a"}]
    assert sentinel.without(report, ["rampart-sentinel.tar"], "image") == [report[1]]


def test_one_that_was_not_found_shuts_the_gate() -> None:
    report = [{"File": "x/rampart-sentinel.tar!sentinel.env"}]
    with pytest.raises(RampartError, match="may be blind"):
        sentinel.without(report, ["rampart-sentinel.tar", "rampart-sentinel.tar.gz"], "image")
    with pytest.raises(RampartError, match="may be blind"):
        sentinel.without([], ["rampart-sentinel"], "image")
