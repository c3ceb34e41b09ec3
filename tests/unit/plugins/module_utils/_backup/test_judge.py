# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._backup import judge
from ansible_collections.rampart.k8s.plugins.module_utils._backup.judge import Read, Stored
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import Mark
from ansible_collections.rampart.k8s.plugins.module_utils._verify import gate
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Verdict
from ansible_collections.rampart.k8s.tests.unit.plugins.module_utils._backup.test_manifest import MADE, TAKEN

OLD, NEW = Mark("secretbox", "key-1"), Mark("secretbox", "key-2")
STORED = Stored(20, 0, {OLD})
READ = Read(MADE.cluster, 20, MADE.canary.sha256)


def broken(proofs: list[gate.Proof]) -> list[str]:
    return [str(proof) for proof in proofs if proof.verdict is Verdict.BROKEN]


def test_a_whole_backup_passes() -> None:
    proofs = [
        *judge.described(MADE, MADE.cluster, TAKEN, 24),
        judge.whole(MADE, MADE.size, MADE.sha256),
        judge.changed("its sum"),
        *judge.encrypted(STORED, {OLD, NEW}),
        judge.restored(MADE, MADE.revision, MADE.keys),
        *judge.answered(MADE, STORED, READ),
    ]
    result = gate.judge("backup and recovery", proofs)
    assert result["passed"]
    assert result["counts"]["denied"] == 2


def test_whose_it_is_and_how_old() -> None:
    assert broken(judge.described(MADE, "another", TAKEN + timedelta(days=2), 24)) == [
        f"the backup is of this cluster: it is of the cluster {MADE.cluster}",
        "the backup is at most 24 h old: etcd-20261129T030000Z.db was taken at 2026-11-29T03:00:00Z",
    ]


def test_another_file_than_was_written() -> None:
    assert broken([judge.whole(MADE, MADE.size, "c" * 64), judge.whole(MADE, 1, MADE.sha256)])[1:]


def test_a_refusal_for_another_reason_proves_nothing() -> None:
    assert judge.changed(None).verdict is Verdict.BROKEN
    assert judge.changed("etcdutl ended with code 2").verdict is Verdict.VACUOUS


@pytest.mark.parametrize(
    ("stored", "readable", "says"),
    [
        (Stored(20, 1, {OLD}), {OLD}, "1 of 20 do"),
        (Stored(0, 0, ()), {OLD}, "there is none in it"),
        (STORED, {NEW}, "it has not secretbox(key-1)"),
        # The name alone is not enough, and neither is the provider.
        (STORED, {Mark("aesgcm", "key-1")}, "it has not secretbox(key-1)"),
        (STORED, (), "it has not secretbox(key-1)"),
    ],
)
def test_what_the_file_holds(stored: Stored, readable: set[Mark], says: str) -> None:
    (found,) = broken(judge.encrypted(stored, readable))
    assert found.endswith(says)


def test_another_number_of_keys_or_another_revision() -> None:
    found = [judge.restored(MADE, MADE.revision, 235), judge.restored(MADE, 273, MADE.keys)]
    assert len(broken(found)) == 2


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (replace(READ, cluster="another"), "it is another"),
        (replace(READ, secrets=19), "19 of 20 were read"),
        (replace(READ, canary=""), "it is not there"),
        (replace(READ, canary="c" * 64), "it holds something else"),
    ],
)
def test_what_was_read_back(read: Read, says: str) -> None:
    (found,) = broken(judge.answered(MADE, STORED, read))
    assert found.endswith(says)
