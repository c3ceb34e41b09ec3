# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import walk
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import StoredRecord, read_line
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import TIME_FORMAT, Record
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

MakeRecord = Callable[..., Record]


def ago(**time: int) -> str:
    return (datetime.now(UTC) - timedelta(**time)).strftime(TIME_FORMAT)


def test_records_are_numbered_and_bound_in_each_chain(store: EvidenceStore, record: MakeRecord) -> None:
    first, second = store.append(record(1)), store.append(record(2))
    other = store.append(record(3, gate="cis_benchmark"))
    assert (first.id, second.id, other.id) == ("security_7y:1", "security_7y:2", "audit_10y:1")
    assert first.previous == other.previous == "0" * 64
    assert second.previous == first.hash


def test_a_whole_store_is_valid(filled: EvidenceStore) -> None:
    report = filled.verify()
    data = report.as_data()
    assert data["valid"]
    assert data["records"] == 6
    assert data["broken"] == {}
    assert data["torn"] == []
    assert data["first"]["record"] == "security_7y:1"
    assert data["last"]["record"] == "audit_10y:1"
    assert set(data["heads"]) == {"security_7y", "audit_10y"}


def test_only_the_owner_reads_the_key_and_the_records(filled: EvidenceStore) -> None:
    def mode(name: str) -> int:
        return (filled.folder / name).stat().st_mode & 0o777

    assert mode("signing.key") == mode("head.json") == mode("security_7y/2026.jsonl") == 0o600
    assert filled.folder.stat().st_mode & 0o777 == 0o700
    assert mode("signing.pub") == 0o644


def test_the_public_key_is_enough_to_verify(filled: EvidenceStore, tmp_path: Path) -> None:
    kept = shutil.copy(filled.folder / "signing.pub", tmp_path / "kept.pub")
    (filled.folder / "signing.key").unlink()
    (filled.folder / "signing.pub").unlink()
    assert EvidenceStore(filled.folder, public_key=kept).verify().valid


def test_a_key_outside_of_the_store_signs_it(tmp_path: Path, record: MakeRecord) -> None:
    EvidenceStore(tmp_path / "maker").append(record(1))
    outside = tmp_path / "maker" / "signing.key"
    store = EvidenceStore(tmp_path / "store", outside)
    store.append(record(1))
    assert store.verify().valid
    assert not (store.folder / "signing.key").exists()


def test_a_key_that_others_can_read_is_refused(filled: EvidenceStore, record: MakeRecord) -> None:
    (filled.folder / "signing.key").chmod(0o640)
    with pytest.raises(RampartError, match="can be read by others"):
        filled.append(record(7))


@pytest.mark.parametrize("content", ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_named(filled: EvidenceStore, content: str) -> None:
    (filled.folder / "signing.pub").write_text(content)
    with pytest.raises(RampartError, match="holds no Ed25519 key"):
        filled.verify()


def test_a_lost_key_is_not_replaced_in_silence(filled: EvidenceStore, record: MakeRecord) -> None:
    (filled.folder / "signing.key").unlink()
    with pytest.raises(RampartError, match=r"signing\.key cannot be read") as caught:
        filled.append(record(7))
    assert "move the store aside" in caught.value.next_step


def test_only_records_of_the_subject_are_read(
    store: EvidenceStore, record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 1, 3):
        store.append(record(number))
    read: list[bytes] = []

    def counted(line: bytes) -> StoredRecord:
        read.append(line)
        return read_line(line)

    monkeypatch.setattr(walk, "read_line", counted)
    found = store.latest("network_verify", record(1).subject.digest)
    assert found is not None
    assert (found.sequence, len(read)) == (3, 2)


def test_the_latest_record_is_found_whatever_its_verdict(store: EvidenceStore, record: MakeRecord) -> None:
    digest = record(1).subject.digest
    store.append(record(1, time=ago(hours=2)))
    second = store.append(record(1, verdict="failed", time=ago(hours=1)))
    store.append(record(1, gate="token_verify", time=ago(minutes=1)))
    assert store.latest("network_verify", digest) == second
    assert store.latest("network_verify", record(2).subject.digest) is None


def test_policy_and_age_narrow_the_search(store: EvidenceStore, record: MakeRecord) -> None:
    digest = record(1).subject.digest
    policy = record(9).subject.digest
    stored = store.append(record(1, policy=policy, time=ago(hours=2)))
    assert store.latest("network_verify", digest, policy=policy) == stored
    assert store.latest("network_verify", digest, policy=record(8).subject.digest) is None
    assert store.latest("network_verify", digest, max_age=timedelta(hours=3)) == stored
    assert store.latest("network_verify", digest, max_age=timedelta(hours=1)) is None


def test_a_record_from_the_future_has_no_age(store: EvidenceStore, record: MakeRecord) -> None:
    store.append(record(1, time=ago(hours=-1)))
    assert store.latest("network_verify", record(1).subject.digest, max_age=timedelta(days=1)) is None


def test_where_no_store_is_nothing_was_recorded(store: EvidenceStore, record: MakeRecord) -> None:
    assert store.latest("network_verify", record(1).subject.digest) is None
    assert not store.folder.exists()
    with pytest.raises(RampartError, match="cannot be opened"):
        store.verify()


def test_a_year_is_a_file_and_the_chain_goes_on(store: EvidenceStore, record: MakeRecord) -> None:
    store.append(record(1, time="2026-12-31T23:59:59Z"))
    second = store.append(record(2, time="2027-01-01T00:00:00Z"))
    # A clock that was set back.
    third = store.append(record(3, time="2026-12-31T23:59:58Z"))
    assert second.sequence == 2
    assert third.previous == second.hash
    assert len((store.folder / "security_7y/2027.jsonl").read_bytes().splitlines()) == 2
    assert store.verify().valid


def test_what_has_ended_may_be_deleted_and_nothing_else(store: EvidenceStore, record: MakeRecord) -> None:
    for year in (2015, 2016, 2025):
        store.append(record(1, time=f"{year}-06-01T00:00:00Z"))
    store.append(record(1, gate="cis_benchmark", time="2016-06-01T00:00:00Z"))
    (store.folder / "security_7y/2015.jsonl").unlink()
    report = store.verify()
    assert report.valid
    assert [stored.id for stored in report.records] == ["security_7y:2", "security_7y:3", "audit_10y:1"]
    assert store.append(record(2, time=ago(days=0))).sequence == 4

    (store.folder / "security_7y/2025.jsonl").unlink()
    broken = store.verify().broken
    assert broken is not None
    assert str(broken).startswith("record security_7y:3: it is missing")


WRITER = """
import sys
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
folder, name = sys.argv[1:]
for number in range(10):
    gate = "token_verify" if number % 2 else "cis_benchmark"
    EvidenceStore(folder).append(Record(gate, Subject("try", name, "sha256:" + "0" * 64), "passed"))
"""


def test_many_processes_write_one_chain(store: EvidenceStore) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.folder), f"writer-{number}"],
            env={"PYTHONPATH": ":".join(sys.path)},
        )
        for number in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0] * 4
    report = store.verify()
    assert report.valid
    assert len(report.records) == 40
    assert {stored.record.subject.name for stored in report.records} == {f"writer-{n}" for n in range(4)}
