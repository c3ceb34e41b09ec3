# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.collection import ROOT

PROGRAM = ROOT / "scripts/prune_tools.py"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    for name in ("hello-1-go-a", "hello-2-go-b", "hello-3-go-c"):
        folder = tmp_path / "tools" / name / "bin"
        folder.mkdir(parents=True)
        (folder.parent / "manifest.json").write_text("{}")
        (folder / "hello").symlink_to("/bin/sleep")
    (tmp_path / "tools/.unfinished-hello.0").mkdir()
    (tmp_path / "tools/somebody-elses").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/hello").symlink_to(tmp_path / "tools/hello-2-go-b/bin")
    return tmp_path


def left(prefix: Path) -> set[str]:
    return {path.name for path in (prefix / "tools").iterdir()}


def test_what_is_linked_or_running_stays(prefix: Path) -> None:
    old = subprocess.Popen([prefix / "tools/hello-1-go-a/bin/hello", "60"])
    try:
        done = subprocess.run([sys.executable, PROGRAM, prefix], capture_output=True, text=True, check=True)
    finally:
        old.kill()
        old.wait()
    assert done.stderr == "prune: hello-3-go-c\n"
    assert left(prefix) == {"hello-1-go-a", "hello-2-go-b", ".unfinished-hello.0", "somebody-elses"}

    subprocess.run([sys.executable, PROGRAM, prefix], check=True)
    assert "hello-1-go-a" not in left(prefix)


def test_without_a_cache_there_is_nothing_to_do(tmp_path: Path) -> None:
    subprocess.run([sys.executable, PROGRAM, tmp_path / "none"], check=True)
