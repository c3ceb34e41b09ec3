# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import links


def test_links_are_made_moved_and_left_alone(tmp_path: Path) -> None:
    targets = {"bin/a": "/one/a", "libexec/cni/b": "/one/b"}
    assert links.missing(tmp_path, targets) == {"bin/a": None, "libexec/cni/b": None}
    links.make(tmp_path, targets)
    assert links.missing(tmp_path, targets) == {}
    moved = {**targets, "bin/a": "/two/a"}
    assert links.missing(tmp_path, moved) == {"bin/a": "/one/a"}
    (tmp_path / "bin/.a.new").symlink_to("/what/a/killed/run/left")
    links.make(tmp_path, {"bin/a": "/two/a"})
    assert links.missing(tmp_path, moved) == {}
    assert sorted(path.name for path in (tmp_path / "bin").iterdir()) == ["a"]


@pytest.mark.parametrize("folder", [True, False])
def test_what_is_not_ours_is_not_replaced(tmp_path: Path, folder: bool) -> None:
    own = tmp_path / "bin/a"
    own.parent.mkdir()
    if folder:
        own.mkdir()
    else:
        own.write_bytes(b"mine")
    with pytest.raises(RampartError, match="is in the way"):
        links.missing(tmp_path, {"bin/a": "/one/a"})


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bin").write_bytes(b"")
    with pytest.raises(RampartError, match="Could not set the links"):
        links.make(tmp_path, {"bin/a": "/one/a"})
