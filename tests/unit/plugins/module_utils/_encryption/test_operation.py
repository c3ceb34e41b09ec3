# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.decide import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.operation import EncryptionConfig

WANTED = Wanted(("secrets", "configmaps"), "secretbox")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "encryption" / "config.yaml"


def operation(path: Path, wanted: Wanted = WANTED, etcd: Path | None = None) -> EncryptionConfig:
    return EncryptionConfig(str(path), wanted, str(etcd) if etcd else None, Redactor())


def run(path: Path, wanted: Wanted = WANTED, etcd: Path | None = None) -> Plan:
    made = operation(path, wanted, etcd)
    plan = made.plan()
    return made.apply(plan) if plan.changed else plan


def secret(path: Path) -> str:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return str(data["resources"][0]["providers"][0]["secretbox"]["keys"][0]["secret"])


def etcd_data(folder: Path, database: bytes, log: bytes = b"") -> Path:
    (folder / "member" / "snap").mkdir(parents=True)
    (folder / "member" / "wal").mkdir()
    (folder / "member" / "snap" / "db").write_bytes(database)
    (folder / "member" / "wal" / "0-0.wal").write_bytes(log)
    return folder


def test_planning_writes_nothing_and_makes_no_key(path: Path) -> None:
    plan = operation(path).plan()
    assert plan.changed
    assert plan.after["resources"][0]["providers"] == ["secretbox(key made when the file is written)"]
    assert not path.parent.exists()


def test_the_file_and_its_folder_are_for_the_owner_only(path: Path) -> None:
    plan = run(path)
    assert plan.result["created"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_nothing_that_is_returned_shows_the_key(path: Path) -> None:
    first = run(path)
    again = run(path, Wanted(("secrets", "leases.coordination.k8s.io"), "secretbox"))
    said = str([plan.as_result(diff=True) for plan in (first, again)])
    assert again.changed
    assert secret(path)[:20] not in said


def test_the_redactor_learns_the_keys_it_meets(path: Path) -> None:
    run(path)
    redactor = Redactor()
    EncryptionConfig(str(path), WANTED, None, redactor).plan()
    assert secret(path) not in redactor.text(f"x {secret(path)} y")


def test_the_second_run_touches_nothing(path: Path) -> None:
    run(path)
    before = (path.read_bytes(), path.stat())
    plan = run(path)
    assert not plan.changed
    assert (path.read_bytes(), path.stat()) == before


def test_a_mode_that_others_can_read_is_closed_and_said(path: Path) -> None:
    run(path)
    before = path.read_bytes()
    path.chmod(0o644)
    plan = run(path)
    assert plan.changed
    assert "rotate them" in plan.reason
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == before
    assert not run(path).changed


def test_two_first_runs_at_once_make_one_key(path: Path) -> None:
    runs = [operation(path) for _unused in range(8)]
    plans = [one.plan() for one in runs]
    assert all(plan.changed for plan in plans)
    done: list[Plan] = []
    threads = [
        threading.Thread(target=lambda one=one, plan=plan: done.append(one.apply(plan)))
        for one, plan in zip(runs, plans, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(plan.changed for plan in done) == [False] * 7 + [True]
    assert len({str(plan.result["entries"]) for plan in done}) == 1


def test_what_a_killed_run_left_half_written_is_removed(path: Path) -> None:
    path.parent.mkdir()
    leftover = path.parent / ".rampart-config.yaml.0123456789ab"
    other = path.parent / ".rampart-other.yaml.0123456789ab"
    for file in (leftover, other):
        file.write_bytes(b"half")
    run(path)
    assert not leftover.exists()
    assert other.exists()


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RampartError, match="links are not followed"):
        operation(path).plan()


def test_options_that_make_no_valid_configuration_are_refused_before_a_write(path: Path) -> None:
    with pytest.raises(RampartError, match="a wildcard and a resource") as caught:
        operation(path, Wanted(("secrets", "*."), "secretbox")).plan()
    assert caught.value.details["problems"][0]["path"] == "resources[0].resources"
    assert not path.parent.exists()
    run(path)
    with pytest.raises(RampartError, match="a wildcard and a resource"):
        operation(path, Wanted(("secrets", "*."), "secretbox")).plan()


def test_a_folder_that_is_a_file_is_a_sentence(path: Path) -> None:
    path.parent.write_text("a file")
    with pytest.raises(RampartError, match="Not a directory"):
        operation(path).plan()


def test_no_new_key_beside_data_of_a_lost_one(path: Path, tmp_path: Path) -> None:
    etcd = etcd_data(tmp_path / "etcd", b"..k8s:enc:secretbox:v1:key-1:..", b"k8s:enc:aesgcm:v1:key-2:\0")
    for plaintext in (False, True):
        with pytest.raises(RampartError, match="restore the file") as caught:
            operation(path, Wanted(("secrets",), "secretbox", {}, plaintext), etcd).plan()
        assert caught.value.details["stored_keys"] == ["aesgcm/v1/key-2", "secretbox/v1/key-1"]


def test_plaintext_objects_need_a_reader(path: Path, tmp_path: Path) -> None:
    etcd = etcd_data(tmp_path / "etcd", b"\0\0/registry/secrets/default/a\0")
    with pytest.raises(RampartError, match="allow_plaintext_read"):
        operation(path, WANTED, etcd).plan()
    assert run(path, Wanted(("secrets",), "secretbox", {}, True), etcd).changed


@pytest.mark.parametrize("database", [b"", b"an etcd that no API server has used"])
def test_an_etcd_without_objects_is_new(path: Path, tmp_path: Path, database: bytes) -> None:
    assert run(path, WANTED, etcd_data(tmp_path / "etcd", database)).changed


def test_a_missing_etcd_folder_is_new(path: Path, tmp_path: Path) -> None:
    assert run(path, WANTED, tmp_path / "none").changed


def test_an_existing_configuration_is_not_held_against_the_data(path: Path, tmp_path: Path) -> None:
    run(path)
    etcd = etcd_data(tmp_path / "etcd", b"k8s:enc:secretbox:v1:key-1:")
    assert not run(path, WANTED, etcd).changed
