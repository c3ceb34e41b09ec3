# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever lays hands on the store is found, and what they touched is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import seal
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.keys import SigningKey
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import (
    BrokenChainError,
    EvidenceStore,
)

MakeRecord = Callable[..., Record]
CHAIN = "security_7y/2026.jsonl"


def lines(store: EvidenceStore) -> list[bytes]:
    return (store.folder / CHAIN).read_bytes().splitlines(keepends=True)


def put(store: EvidenceStore, content: list[bytes]) -> None:
    (store.folder / CHAIN).write_bytes(b"".join(content))


def broken(store: EvidenceStore) -> str:
    report = store.verify()
    assert not report.valid
    return str(report.broken)


@pytest.mark.parametrize("number", [0, 2, 4])
def test_a_flipped_byte_names_its_record(filled: EvidenceStore, number: int) -> None:
    found = lines(filled)
    found[number] = found[number].replace(b'"proved":1', b'"proved":2')
    put(filled, found)
    said = broken(filled)
    assert said.startswith(f"record security_7y:{number + 1} (network_verify on local-{number + 1}): ")
    assert said.endswith("its signature does not fit its content")


def test_bytes_anywhere_matter(store: EvidenceStore, record: MakeRecord) -> None:
    store.append(record(1))
    (line,) = lines(store)
    for position in (*range(0, len(line), 11), len(line) - 1):
        put(store, [line[:position] + bytes([line[position] ^ 1]) + line[position + 1 :]])
        report = store.verify()
        assert not report.valid, f"byte {position}"


def test_a_look_at_one_subject_sees_bytes_of_any_other(filled: EvidenceStore, record: MakeRecord) -> None:
    whole = (filled.folder / CHAIN).read_bytes()
    sought = record(3).subject.digest
    assert filled.latest("network_verify", sought) is not None
    for position in range(0, len(whole), 13):
        altered = whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
        (filled.folder / CHAIN).write_bytes(altered)
        with pytest.raises(BrokenChainError):
            filled.latest("network_verify", sought)


@pytest.mark.parametrize("kept", [(0, 2, 3, 4), (0, 2, 1, 3, 4), (0, 1, 2, 3), (0, 0, 1, 2, 3, 4), (2, 3, 4)])
def test_a_look_at_one_subject_sees_lines_that_are_not_in_their_places(
    filled: EvidenceStore, record: MakeRecord, kept: tuple[int, ...]
) -> None:
    found = lines(filled)
    put(filled, [found[number] for number in kept])
    with pytest.raises(BrokenChainError):
        filled.latest("network_verify", record(4).subject.digest)


def test_a_failed_verdict_cannot_be_made_a_passed_one(store: EvidenceStore, record: MakeRecord) -> None:
    store.append(record(1, verdict="failed"))
    put(store, [line.replace(b'"failed"', b'"passed"') for line in lines(store)])
    with pytest.raises(BrokenChainError, match="signature does not fit"):
        store.latest("network_verify", record(1).subject.digest)


def test_a_deleted_line_is_missed(filled: EvidenceStore) -> None:
    found = lines(filled)
    put(filled, found[:2] + found[3:])
    assert "record security_7y:3" in broken(filled)
    assert "it is missing: record 4 stands in its place" in broken(filled)


def test_swapped_lines_are_found(filled: EvidenceStore) -> None:
    found = lines(filled)
    found[1], found[2] = found[2], found[1]
    put(filled, found)
    assert "record security_7y:2" in broken(filled)
    assert "record 3 stands in its place" in broken(filled)


@pytest.mark.parametrize("kept", [0, 3, 4])
def test_a_tail_that_was_cut_off_is_missed(filled: EvidenceStore, record: MakeRecord, kept: int) -> None:
    put(filled, lines(filled)[:kept])
    assert f"record security_7y:{kept + 1}: it is missing: head.json says" in broken(filled)
    with pytest.raises(BrokenChainError, match="it ends at"):
        filled.append(record(7))


def test_a_last_line_that_was_cut_short_is_no_torn_one(filled: EvidenceStore, record: MakeRecord) -> None:
    found = lines(filled)
    put(filled, [*found[:-1], found[-1][:-10]])
    assert "record security_7y:5: it is missing" in broken(filled)
    with pytest.raises(BrokenChainError):
        filled.append(record(7))


def test_a_record_that_is_played_again_is_found(filled: EvidenceStore) -> None:
    found = lines(filled)
    put(filled, [*found, found[1]])
    assert "record 2 stands here once more" in broken(filled)


def test_a_record_of_another_chain_is_found(filled: EvidenceStore) -> None:
    other = (filled.folder / "audit_10y/2026.jsonl").read_bytes()
    put(filled, [other, *lines(filled)[1:]])
    assert "it belongs to the chain audit_10y" in broken(filled)


def test_a_line_of_a_foreign_key_is_found(filled: EvidenceStore, tmp_path: Path, record: MakeRecord) -> None:
    key = SigningKey.create(tmp_path / "foreign.key")
    head = filled.verify().heads["security_7y"]
    _stored, line = seal(record(6).complete(), head.sequence + 1, head.hash, key)
    put(filled, [*lines(filled), line])
    assert "signed with another key" in broken(filled)
    with pytest.raises(BrokenChainError, match="signed with another key"):
        filled.append(record(7))


def test_a_foreign_store_in_the_same_place_is_found(
    filled: EvidenceStore, tmp_path: Path, record: MakeRecord
) -> None:
    kept = shutil.copy(filled.folder / "signing.pub", tmp_path / "kept.pub")
    shutil.rmtree(filled.folder)
    EvidenceStore(filled.folder).append(record(1))
    store = EvidenceStore(filled.folder, public_key=kept)
    assert "head.json was signed with another key" in broken(store)
    with pytest.raises(RampartError, match="does not belong to the public key"):
        store.append(record(2))


def test_a_line_beyond_the_head_must_be_signed(filled: EvidenceStore) -> None:
    data = json.loads(lines(filled)[-1])
    head = filled.verify().heads["security_7y"]
    data |= {"sequence": head.sequence + 1, "previous": head.hash}
    put(filled, [*lines(filled), canonical(data) + b"\n"])
    assert "its signature does not fit" in broken(filled)
    with pytest.raises(BrokenChainError, match="its signature does not fit"):
        filled.latest("network_verify", "sha256:" + "0" * 64)


def test_an_older_head_is_found(filled: EvidenceStore, record: MakeRecord) -> None:
    older = (filled.folder / "head.json").read_bytes()
    filled.append(record(7))
    filled.append(record(8))
    (filled.folder / "head.json").write_bytes(older)
    assert "an older head was put back" in broken(filled)
    with pytest.raises(BrokenChainError, match="an older head"):
        filled.append(record(9))


def test_a_missing_head_is_found(filled: EvidenceStore, record: MakeRecord) -> None:
    (filled.folder / "head.json").unlink()
    assert "head.json does not know it" in broken(filled)
    with pytest.raises(BrokenChainError):
        filled.append(record(7))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"last":5', b'"last":4', "the signature of head.json"),
        (b'"last":5', b'"last":5.5', "head.json cannot be read"),
        (b'"chains"', b'"chain"', "head.json cannot be read"),
        (b'{"chains"', b'{"more":1,"chains"', "the signature of head.json"),
    ],
)
def test_a_changed_head_is_found(
    filled: EvidenceStore, record: MakeRecord, old: bytes, new: bytes, said: str
) -> None:
    head = filled.folder / "head.json"
    assert old in head.read_bytes()
    head.write_bytes(head.read_bytes().replace(old, new))
    assert said in broken(filled)
    with pytest.raises(BrokenChainError, match=said):
        filled.append(record(7))
    with pytest.raises(BrokenChainError, match=said):
        filled.latest("network_verify", record(1).subject.digest)


def test_a_deleted_chain_is_missed(filled: EvidenceStore, record: MakeRecord) -> None:
    shutil.rmtree(filled.folder / "audit_10y")
    assert "record audit_10y:1: it is missing" in broken(filled)
    with pytest.raises(BrokenChainError, match=r"2026\.jsonl is missing"):
        filled.append(record(7))


def test_a_broken_chain_says_what_to_do(filled: EvidenceStore) -> None:
    put(filled, lines(filled)[1:])
    with pytest.raises(BrokenChainError) as caught:
        filled.latest("network_verify", "sha256:" + "0" * 64)
    assert caught.value.details["evidence"]["record"] == "security_7y:1"
    assert "move it aside" in caught.value.next_step
