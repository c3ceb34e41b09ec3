# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._backup.children import running
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


def alive(file: Path) -> bool:
    """Tell whether the process runs whose id is in a file."""
    try:
        os.kill(int(file.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def test_a_server_and_its_children_end_whatever_they_ignore(
    tmp_path: Path,
) -> None:
    pid = tmp_path / "pid"
    script = f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {pid}; sleep 60; true' & wait"
    argv = ["sh", "-c", script]
    with running(argv, tmp_path / "log", lambda: pid.exists() and bool(pid.read_text().strip()), 30):
        assert alive(pid)
    ends = time.monotonic() + 10
    while alive(pid) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not alive(pid)


def test_one_that_ends_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(RampartError, match="sh ended: no such key"),
        running(["sh", "-c", "echo no such key; exit 1"], tmp_path / "log", lambda: False, 30),
    ):
        pass


def test_one_that_never_is_ready_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        pytest.raises(RampartError, match=r"sleep was not ready after 0\.3 s"),
        running(["sleep", "60"], tmp_path / "log", lambda: False, 0.3),
    ):
        pass
    assert time.monotonic() - began < 30


def test_one_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RampartError),
        running(["/no/such/program"], tmp_path / "log", lambda: False, 5),
    ):
        pass
