# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._backup import manifest
from ansible_collections.rampart.k8s.plugins.module_utils._backup.folder import SCRATCH, Folder
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.moment import FORMAT
from ansible_collections.rampart.k8s.tests.unit.plugins.module_utils._backup.test_manifest import MADE, TAKEN


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a folder with the backups of three days."""
    found = Folder(tmp_path)
    for day in range(3):
        moment = TAKEN + timedelta(days=day)
        partial = tmp_path / ".rampart-part"
        partial.write_bytes(b"snapshot")
        name = manifest.snapshot_name(moment)
        found.keep(partial, replace(MADE, snapshot=name, taken=moment.strftime(FORMAT)))
    return found


def test_the_newest_whole_one_counts(folder: Folder) -> None:
    newest = folder.newest()
    assert newest is not None
    assert newest.snapshot == "etcd-20261201T030000Z.db"
    (folder.path / "etcd-20261201T030000Z.json").unlink()
    newest = folder.newest()
    assert newest is not None
    assert newest.snapshot == "etcd-20261130T030000Z.db"


def test_a_manifest_that_was_put_beside_another_snapshot_is_an_error(folder: Folder) -> None:
    other = folder.path / "etcd-20261130T030000Z.json"
    (folder.path / "etcd-20261201T030000Z.json").write_bytes(other.read_bytes())
    with pytest.raises(RampartError, match="is the manifest of etcd-20261130T030000Z"):
        folder.newest()


def test_what_killed_runs_left_goes_and_nothing_else(folder: Folder) -> None:
    (folder.path / "notes.txt").touch()
    before = sorted(folder.path.iterdir())
    (folder.path / ".rampart-snapshot.0123").touch()
    (folder.path / f"{SCRATCH}1" / "etcd").mkdir(parents=True)
    (folder.path / "etcd-20261202T030000Z.db").touch()
    folder.sweep()
    assert sorted(folder.path.iterdir()) == before


def test_the_oldest_go_when_one_comes(folder: Folder) -> None:
    assert folder.surplus(2, coming=1) == ["etcd-20261129T030000Z.db", "etcd-20261130T030000Z.db"]
    folder.remove(folder.surplus(1))
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "etcd-20261201T030000Z.db",
        "etcd-20261201T030000Z.json",
    ]


def test_a_place_below_the_cluster_is_refused_even_by_a_link(tmp_path: Path) -> None:
    root = tmp_path / "cluster"
    root.mkdir()
    (tmp_path / "link").symlink_to(root)
    for place in (root, root / "backups", tmp_path / "link" / "backups"):
        with pytest.raises(RampartError, match="be lost with it"):
            Folder(place).refuse_below(str(root))
    Folder(tmp_path / "cluster-backups").refuse_below(str(root))
