# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record, Subject, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.tests.support.modules import call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = EvidenceStore(tmp_path / "evidence")
    verdicts: list[Verdict] = ["passed", "failed", "passed"]
    for number, verdict in enumerate(verdicts):
        subject = Subject("cluster", "local", digest({"number": number}))
        time = f"2026-11-22T09:00:0{number}Z"
        store.append(Record("network_verify", subject, verdict, time=time))
    return store.folder


def test_the_newest_come_first_and_no_more_than_asked_for(folder: Path) -> None:
    answer = call("evidence_info", {"evidence_dir": str(folder), "limit": 2})
    assert [record["id"] for record in answer["records"]] == ["security_7y:3", "security_7y:2"]
    assert answer["matched"] == 3
    assert answer["chain"]["valid"]
    assert not answer["changed"]
    assert answer["reason"] == "3 of 3 records; the store is whole and signed."


def test_what_failed_is_found(folder: Path) -> None:
    (record,) = call("evidence_info", {"evidence_dir": str(folder), "verdicts": ["failed"]})["records"]
    assert record["subject"]["name"] == "local"
    assert record["verdict"] == "failed"


def test_a_broken_store_fails_and_names_the_record(folder: Path) -> None:
    chain = folder / "security_7y/2026.jsonl"
    chain.write_bytes(chain.read_bytes().replace(b'"failed"', b'"passed"'))
    answer = call("evidence_info", {"evidence_dir": str(folder)})
    assert answer["failed"]
    assert answer["evidence"]["record"] == "security_7y:2"
    assert answer["evidence"]["gate"] == "network_verify"

    answer = call("evidence_info", {"evidence_dir": str(folder), "report_only": True})
    assert answer["chain"]["broken"]["problem"] == "its signature does not fit its content"
    assert answer["chain"]["records"] == 1
    assert not answer["chain"]["valid"]


def test_a_store_that_was_put_back_fails(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "older")
    stored = EvidenceStore(folder).append(Record("network_verify", Subject("c", "c", digest({})), "failed"))
    arguments = {"evidence_dir": str(copy), "noted": {stored.id: stored.hash}}
    assert "an older store was put back" in call("evidence_info", arguments)["msg"]
    assert "failed" not in call("evidence_info", {**arguments, "evidence_dir": str(folder)})


def test_without_a_store_only_check_mode_goes_on(tmp_path: Path) -> None:
    arguments = {"evidence_dir": str(tmp_path / "none")}
    assert "cannot be opened" in call("evidence_info", arguments)["msg"]
    answer = call("evidence_info", arguments, check=True)
    assert answer["records"] == []
    assert not answer["chain"]["valid"]
