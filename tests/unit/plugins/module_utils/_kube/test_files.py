# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.files import read


def test_all_documents_of_all_files_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("---\nkind: A\n---\n# nothing\n---\nkind: B\n")
    (tmp_path / "b.yaml").write_text('{"kind": "C"}')
    found, missing = read([str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")], may_be_missing=False)
    assert [one["kind"] for one in found] == ["A", "B", "C"]
    assert missing == []


def test_a_missing_file_is_told_before_the_first_run_and_refused_in_it(tmp_path: Path) -> None:
    path = str(tmp_path / "none.yaml")
    assert read([path], may_be_missing=True) == ([], [path])
    with pytest.raises(RampartError, match="does not exist"):
        read([path], may_be_missing=False)


@pytest.mark.parametrize(("text", "why"), [("{", "not valid YAML"), ("- a\n", "not an object")])
def test_what_is_no_object_is_refused_by_its_file(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RampartError, match=rf"bad\.yaml could not be read: .*{why}"):
        read([str(path)], may_be_missing=True)
    with pytest.raises(RampartError, match="could not be read"):
        read([str(tmp_path)], may_be_missing=True)
