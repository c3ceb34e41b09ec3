# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records and stores to try things on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

MakeRecord = Callable[..., Record]


@pytest.fixture
def record() -> MakeRecord:
    def make(number: int = 1, **changes: Any) -> Record:
        fields: dict[str, Any] = {
            "gate": "network_verify",
            "subject": Subject("cluster", f"local-{number}", digest({"number": number})),
            "verdict": "passed",
            "tools": {"rampart.k8s": "0.1.0"},
            "summary": {"proved": 10 + number, "counts": {"denied": 9}},
            "time": f"2026-11-22T09:00:{number:02}Z",
        }
        return Record(**{**fields, **changes})

    return make


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "evidence")


@pytest.fixture
def filled(store: EvidenceStore, record: MakeRecord) -> EvidenceStore:
    """Five records in one chain and one in another."""
    for number in range(1, 6):
        store.append(record(number))
    store.append(record(6, gate="cis_benchmark"))
    return store
