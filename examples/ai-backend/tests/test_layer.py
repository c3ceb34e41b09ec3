# SPDX-License-Identifier: GPL-3.0-or-later
"""The layer of an image: it holds what is started, and is another one only with another content."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import layer
import pytest


def made(work: Path, text: str, date: int) -> dict[str, tuple[float, bytes]]:
    module = work / "app/kit/deep/module.py"
    module.parent.mkdir(parents=True)
    module.write_text(text)
    os.utime(module, (date, date))
    assert layer.make(work, [])
    files = [path for path in sorted((work / "layer").rglob("*")) if path.is_file()]
    return {str(path.relative_to(work)): (path.stat().st_mtime, path.read_bytes()) for path in files}


@pytest.fixture(autouse=True)
def _prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", None)


def test_it_has_the_modules_and_their_compiled_form(tmp_path: Path) -> None:
    found = made(tmp_path, "A = 1\n", 10**9)
    compiled = f"layer/compiled/app/kit/deep/module.{sys.implementation.cache_tag}.pyc"
    assert list(found) == ["layer/app/kit/deep/module.py", compiled]
    assert {date for date, _content in found.values()} == {layer.DATE}
    # Whoever reads a traceback sees where the module lies in the image.
    assert b"/app/kit/deep/module.py" in found[compiled][1]
    assert str(tmp_path).encode() not in found[compiled][1]


def test_it_is_the_same_until_its_content_changes(tmp_path: Path) -> None:
    first = made(tmp_path / "a", "A = 1\n", 10**9)
    assert made(tmp_path / "b", "A = 1\n", 2 * 10**9) == first
    assert made(tmp_path / "c", "A = 2\n", 10**9) != first


def test_a_module_that_is_none_ends_the_build(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/broken.py").write_text("def\n")
    assert not layer.make(tmp_path, [])
