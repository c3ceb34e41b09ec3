# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import program


def load(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Load one more file as a part of the collection."""
    name = f"{program.PREFIX}plugins.module_utils.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    monkeypatch.setitem(sys.modules, name, importlib.util.module_from_spec(spec))


def test_what_else_a_process_has_loaded_is_no_other_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = program.code()
    (tmp_path / "more.py").write_text("ONE = 1\n")
    load(monkeypatch, tmp_path / "more.py")
    assert program.code() == before


def test_another_file_of_the_installed_collection_is_other_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "module_utils/_evidence/program.py"
    file.parent.mkdir(parents=True)
    file.write_text("ONE = 1\n")
    monkeypatch.setattr(program, "__file__", str(file))
    before = program.code()
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/one.py").write_text("ONE = 1\n")
    other = program.code()
    file.write_text("ONE = 2\n")
    assert len({before, other, program.code()}) == 3


def test_packed_it_is_what_was_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(program, "__file__", str(tmp_path / "packed.zip/module_utils/_evidence/program.py"))
    before = program.code()
    (tmp_path / "more.py").write_text("ONE = 1\n")
    load(monkeypatch, tmp_path / "more.py")
    assert program.code() != before
