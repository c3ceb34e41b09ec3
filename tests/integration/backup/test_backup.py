# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of a real etcd: taken, restored, read back, and refused where they must be."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import render
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_snapshot import Snapshot
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    Configuration,
    Entry,
    Key,
    Provider,
)
from ansible_collections.rampart.k8s.tests.support.encrypted import Encrypted
from ansible_collections.rampart.k8s.tests.support.modules import call

from tests.rig import Rig
from tests.support.programs import tool

SECRET_COUNT = 20
CANARIES = "/api/v1/namespaces/kube-system/secrets"


class Backups:
    """A cluster with a folder of backups."""

    def __init__(self, cluster: Encrypted, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder

    def take(self, *, check: bool = False, **more: Any) -> dict[str, Any]:
        asked = {
            "kubeconfig": str(self.cluster.rig.kubeconfig),
            "endpoint": self.cluster.rig.etcd_endpoint,
            "directory": str(self.folder),
            "etcdctl": str(tool("etcdctl")),
            **more,
        }
        return call("etcd_backup", asked, check=check, diff=True)

    def verify(self, *, check: bool = False, **more: Any) -> dict[str, Any]:
        asked = {
            "kubeconfig": str(self.cluster.rig.kubeconfig),
            "directory": str(self.folder),
            "config_path": str(self.cluster.path),
            "api_server": str(tool("kube-apiserver")),
            **{name: str(tool(name)) for name in ("etcd", "etcdctl", "etcdutl")},
            **more,
        }
        return call("backup_verify", asked, check=check)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def newest(self) -> Path:
        return sorted(self.folder.glob("*.db"))[-1]

    def edit(self, **more: Any) -> None:
        """Change the manifest of the newest backup."""
        path = self.newest().with_suffix(".json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backups]:
    """Return a cluster with one backup."""
    folder = tmp_path_factory.mktemp("backup")
    with Encrypted.started(folder) as cluster:
        cluster.fill(SECRET_COUNT)
        backups = Backups(cluster, folder / "backups")
        answer = backups.take()
        assert answer.get("changed"), answer
        yield backups


@pytest.fixture
def backups(taken: Backups, tmp_path: Path) -> Backups:
    """Return a copy of the backup, which a test may damage."""
    shutil.copytree(taken.folder, tmp_path / "backups")
    return Backups(taken.cluster, tmp_path / "backups")


def shut(answer: dict[str, Any], why: str) -> None:
    """Hold that the gate is shut for this reason."""
    assert answer["failed"], answer
    assert not answer["passed"]
    assert any(why in violation for violation in answer["violations"]), answer["violations"]


def test_a_backup_is_restored_and_every_secret_of_it_is_read(backups: Backups, tmp_path: Path) -> None:
    before = backups.files()
    answer = backups.verify(evidence_dir=str(tmp_path / "evidence"))
    assert not answer.get("failed"), answer
    assert answer["passed"]
    assert answer["counts"]["denied"] == 2
    assert answer["counts"]["violations"] == answer["counts"]["not_proven"] == 0
    assert answer["evidence"]
    # Nothing of the restored copy is left, and nothing of the living cluster was touched.
    assert backups.files() == before
    canaries, _version = backups.cluster.client.list_all(CANARIES)
    assert not canaries


def test_both_files_are_their_owners_and_name_keys_without_showing_them(backups: Backups) -> None:
    for name in backups.files():
        assert stat.S_IMODE((backups.folder / name).stat().st_mode) == 0o600
    manifest = backups.newest().with_suffix(".json").read_text()
    (name,) = backups.cluster.names()
    assert json.loads(manifest)["encryption_keys"] == [f"secretbox({name})"]
    assert json.loads(manifest)["cluster"] == backups.cluster.client.cluster_uid()
    keys = backups.cluster.keys()
    assert keys
    for secret in keys:
        assert secret not in manifest
        assert secret.encode() not in backups.newest().read_bytes()


def test_a_changed_byte_is_found(backups: Backups) -> None:
    content = bytearray(backups.newest().read_bytes())
    content[len(content) // 3] ^= 1
    backups.newest().write_bytes(content)
    shut(backups.verify(), "the snapshot is as it was written: its sum is not that of its manifest")


def test_a_manifest_that_was_made_to_fit_a_damaged_snapshot_does_not_help(backups: Backups) -> None:
    content = bytearray(backups.newest().read_bytes())
    content[len(content) // 3] ^= 1
    backups.newest().write_bytes(content)
    backups.edit(sha256=hashlib.sha256(content).hexdigest())
    shut(backups.verify(), "its digest is another one")


def test_other_numbers_than_those_of_the_manifest_are_found(backups: Backups) -> None:
    manifest = json.loads(backups.newest().with_suffix(".json").read_text())
    backups.edit(keys=manifest["keys"] + 1)
    shut(backups.verify(), f"it holds {manifest['keys']} keys")
    backups.edit(keys=manifest["keys"], revision=manifest["revision"] - 1)
    shut(backups.verify(), f"of revision {manifest['revision']}")


def test_a_restored_cluster_can_be_backed_up_again(backups: Backups, tmp_path: Path) -> None:
    """As the runbook restores it: with a raised revision, for which etcd writes an entry of no key."""
    raised = ("--bump-revision=1000000000", "--mark-compacted", f"--data-dir={tmp_path / 'etcd'}")
    subprocess.run([tool("etcdutl"), "snapshot", "restore", backups.newest(), *raised], check=True)
    again = tmp_path / "again.db"
    # The file of a member is a snapshot without the sum behind it.
    content = (tmp_path / "etcd/member/snap/db").read_bytes()
    again.write_bytes(content + hashlib.sha256(content).digest())
    manifest = json.loads(backups.newest().with_suffix(".json").read_text())
    with closing(Snapshot(str(again))) as snapshot:
        assert snapshot.revision() > 1000000000
        assert len(list(snapshot.values(b"", snapshot.revision()))) == manifest["keys"]


def test_a_backup_that_is_too_old_is_a_violation(backups: Backups) -> None:
    shut(backups.verify(max_age_hours=0), "the backup is at most 0 h old")


def test_a_backup_of_another_cluster_is_a_violation_and_gets_no_company(
    backups: Backups, tmp_path: Path
) -> None:
    with Rig() as other:
        shut(backups.verify(kubeconfig=str(other.kubeconfig)), "the backup is of this cluster")
        before = backups.files()
        refused = backups.take(kubeconfig=str(other.kubeconfig))
        assert "holds backups of the cluster" in refused["msg"]
        assert backups.files() == before
        # An etcd that is not this cluster's is found out too, and its snapshot is not kept.
        elsewhere = Backups(backups.cluster, tmp_path / "elsewhere")
        foreign = elsewhere.take(endpoint=other.etcd_endpoint)
        assert "this is the etcd of another cluster" in foreign["msg"]
        assert elsewhere.files() == []


def test_without_the_key_nothing_is_readable(backups: Backups, tmp_path: Path) -> None:
    lost = tmp_path / "lost.yaml"
    provider = Provider("secretbox", (Key("another", "A" * 43 + "="),))
    lost.write_bytes(render(Configuration((Entry(("secrets", "configmaps"), (provider,)),))))
    answer = backups.verify(config_path=str(lost), timeout=60)
    (name,) = backups.cluster.names()
    shut(answer, f"the encryption configuration has the keys of the backup: it has not secretbox({name})")


def test_other_bytes_under_the_same_name_are_found_by_reading(backups: Backups, tmp_path: Path) -> None:
    lost = tmp_path / "lost.yaml"
    (name,) = backups.cluster.names()
    provider = Provider("secretbox", (Key(name, "A" * 43 + "="),))
    lost.write_bytes(render(Configuration((Entry(("secrets",), (provider,)),))))
    shut(backups.verify(config_path=str(lost), timeout=60), "the backup can be restored")


def test_no_backup_is_a_violation(backups: Backups, tmp_path: Path) -> None:
    shut(backups.verify(directory=str(tmp_path / "nothing")), "there is a backup: there is no folder")
    # A snapshot without its manifest is what a killed run leaves.
    backups.newest().with_suffix(".json").unlink()
    shut(backups.verify(), "there is a backup: there is none")


def test_check_mode_takes_and_proves_nothing(taken: Backups, tmp_path: Path) -> None:
    empty = Backups(taken.cluster, tmp_path / "backups")
    assert empty.take(check=True)["changed"]
    assert not empty.folder.exists()
    answer = taken.verify(check=True)
    assert not answer["changed"]
    assert answer["not_proven"]


def test_the_newest_are_kept_and_one_that_is_young_is_enough(backups: Backups) -> None:
    (old,) = backups.folder.glob("*.db")
    assert not backups.take(every_hours=1)["changed"]
    answer = backups.take(keep=1)
    assert answer["changed"], answer
    assert answer["removed"] == [old.name]
    assert answer["diff"]["after"]["newest"] == answer["backup"]["snapshot"]
    assert backups.files() == [answer["backup"]["snapshot"], backups.newest().with_suffix(".json").name]


def test_a_place_that_is_lost_with_the_cluster_is_refused(backups: Backups) -> None:
    answer = backups.take(cluster_root=str(backups.folder.parent))
    assert "be lost with it" in answer["msg"]


def test_a_plain_secret_in_the_backup_is_a_violation(tmp_path: Path) -> None:
    with Encrypted.started(tmp_path) as cluster:
        backups = Backups(cluster, tmp_path / "backups")
        cluster.fill(1)
        body = b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"plain","namespace":"default"}}'
        cluster.put("/registry/secrets/default/plain", body)
        assert backups.take()["changed"]
        # The third is the canary.
        shut(backups.verify(timeout=60), "no Secret lies in the backup in plain text: 1 of 3 do")
