# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.query import Question, moment, put_back
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore


def ids(store: EvidenceStore, question: Question) -> list[str]:
    return [stored.id for stored in store.verify().records if question.wants(stored)]


def test_an_empty_question_asks_for_all(filled: EvidenceStore) -> None:
    assert len(ids(filled, Question())) == 6


def test_each_part_of_a_question_narrows_it(filled: EvidenceStore) -> None:
    third = filled.verify().records[2]
    assert ids(filled, Question(gates=["cis_benchmark"])) == ["audit_10y:1"]
    assert ids(filled, Question(subjects=["local-2", third.record.subject.digest])) == [
        "security_7y:2",
        "security_7y:3",
    ]
    assert ids(filled, Question(verdicts=["failed"])) == []
    start, end = moment("2026-11-22T09:00:02Z"), moment("2026-11-22T10:00:04+01:00")
    assert ids(filled, Question(since=start, until=end)) == ["security_7y:2", "security_7y:3"]


def test_times_need_a_zone() -> None:
    assert moment("2026-11-22T10:00:00+01:00") == datetime(2026, 11, 22, 9, tzinfo=UTC)
    for text in ("2026-11-22T10:00:00", "yesterday"):
        with pytest.raises(RampartError, match="no time with a zone"):
            moment(text)


def test_a_store_that_was_put_back_is_found_by_what_was_noted(filled: EvidenceStore) -> None:
    report = filled.verify()
    noted = {head.id: head.hash for head in report.heads.values()}
    assert put_back(report, noted) is None
    broken = put_back(report, {"security_7y:6": "0" * 64})
    assert str(broken) == (
        "record security_7y:6: it was noted elsewhere, and it is not there: an older store was put back"
    )
    assert "another one stands in its place" in str(put_back(report, {"security_7y:5": "0" * 64}))


def test_what_ended_and_was_deleted_is_not_missed(filled: EvidenceStore) -> None:
    assert put_back(filled.verify(), {"security_7y:0": "0" * 64}) is None


def test_a_note_names_a_record(filled: EvidenceStore) -> None:
    with pytest.raises(RampartError, match="names no record"):
        put_back(filled.verify(), {"the last one": "0" * 64})
