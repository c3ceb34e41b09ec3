# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A writer that is killed leaves nothing that the next one does not mend, and nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.head import Head
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

MakeRecord = Callable[..., Record]
CHAIN = "security_7y/2026.jsonl"


class KilledError(BaseException):
    """Stands for a kill: nothing of the product catches it."""


def killed_before_the_head(store: EvidenceStore, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_unused: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Head, "write", die)
        with pytest.raises(KilledError):
            store.append(record)


def test_a_torn_line_is_named_and_set_aside_and_the_next_append_works(
    filled: EvidenceStore, record: MakeRecord
) -> None:
    torn = b'{"format":1,"key":"0123'
    with (filled.folder / CHAIN).open("ab") as file:
        file.write(torn)
    report = filled.verify()
    assert report.valid
    assert report.torn == (
        "security_7y/2026.jsonl: 23 bytes after record 5 are no whole line; a writer was killed there",
    )

    assert filled.append(record(7)).sequence == 6
    report = filled.verify()
    assert report.valid
    assert report.torn == ("security_7y/2026.torn-6-1: set aside",)
    assert (filled.folder / "security_7y/2026.torn-6-1").read_bytes() == torn


def test_two_torn_lines_in_one_place_are_both_kept(filled: EvidenceStore, record: MakeRecord) -> None:
    for torn in (b"one", b"two"):
        with (filled.folder / CHAIN).open("ab") as file:
            file.write(torn)
        filled.append(record(7, gate="cis_benchmark"))
    kept = sorted((filled.folder / "security_7y").glob("*.torn-*"))
    assert [path.read_bytes() for path in kept] == [b"one", b"two"]
    assert filled.verify().valid


@pytest.mark.parametrize("gate", ["network_verify", "cis_benchmark"])
def test_a_whole_line_that_the_head_does_not_know_yet_counts(
    filled: EvidenceStore, record: MakeRecord, monkeypatch: pytest.MonkeyPatch, gate: str
) -> None:
    killed_before_the_head(filled, record(7), monkeypatch)
    assert filled.verify().valid
    assert filled.latest("network_verify", record(7).subject.digest) is not None
    filled.append(record(8, gate=gate))
    report = filled.verify()
    assert report.valid
    assert len(report.records) == 8


def test_the_first_line_of_all_may_be_the_one(
    store: EvidenceStore, record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_before_the_head(store, record(1), monkeypatch)
    assert store.verify().valid
    assert store.append(record(2)).sequence == 2
    assert store.verify().valid


def test_so_may_the_first_line_of_a_year(
    filled: EvidenceStore, record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_before_the_head(filled, record(7, time="2027-01-01T00:00:00Z"), monkeypatch)
    assert filled.verify().valid
    assert filled.append(record(8, time="2027-01-01T00:00:01Z")).sequence == 7
    assert filled.verify().valid


def test_a_key_without_records_is_used(store: EvidenceStore, record: MakeRecord) -> None:
    other = EvidenceStore(store.folder.parent / "other")
    other.append(record(1))
    store.folder.mkdir()
    (other.folder / "signing.key").rename(store.folder / "signing.key")
    store.append(record(1))
    assert store.verify().valid


def test_a_line_that_did_not_fit_is_taken_back(
    filled: EvidenceStore, record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (filled.folder / CHAIN).read_bytes()
    real = os.write

    def full(handle: int, content: bytes) -> int:
        if len(content) < 100:
            raise OSError(28, "No space left on device")
        return real(handle, content[: len(content) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(RampartError, match="No space left on device"):
            filled.append(record(7))
    assert (filled.folder / CHAIN).read_bytes() == before
    assert filled.append(record(7)).sequence == 6


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, record: MakeRecord) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RampartError, match="cannot be made"):
        EvidenceStore(tmp_path / "file/evidence").append(record(1))
