# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nobody has signed, or no gate has passed, reaches no node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

from tests.support import images as packings
from tests.support.containerds import RealContainerd
from tests.support.loading import done, load
from tests.support.signing import COSIGN, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    if not COSIGN:
        pytest.skip("cosign is not on PATH")
    made = House(tmp_path)
    made.ring()
    return made


def test_only_what_an_accepted_key_has_signed_is_loaded(node: RealContainerd, house: House) -> None:
    signed, unsigned = house.image("signed", "signed"), house.image("unsigned", os.urandom(8).hex())
    house.sign(signed)
    gate: dict[str, Any] = {"keyring": str(house.keys / "keyring.json"), **house.tools}
    before = node.names()
    wanted = {"layout": unsigned.removeprefix("oci:"), "name": "test.local/unsigned:1"}
    refused = load([node], wanted, **gate)
    assert refused["failed"]
    assert refused["violations"] == ["it is not signed"]
    assert node.names() == before
    good = {"layout": signed.removeprefix("oci:"), "name": "test.local/signed:1"}
    done(load([node], good, **gate))
    assert "test.local/signed:1" in node.unpacked()
    # What is there already is not judged again: nothing is loaded.
    done(load([node], wanted))
    assert not done(load([node], wanted, **gate))["changed"]


def test_an_archive_carries_no_signature(node: RealContainerd, house: House, tmp_path: Path) -> None:
    packings.docker_archive(tmp_path / "a.tar", [packings.layer({"a": os.urandom(9)})], tag="test.local/a:1")
    gate: dict[str, Any] = {"keyring": str(house.keys / "keyring.json"), **house.tools}
    answer = load([node], {"archive": str(tmp_path / "a.tar")}, **gate)
    assert answer["failed"]
    assert "carries no signature" in answer["msg"]
    assert "test.local/a:1" not in node.names()


def test_only_what_a_gate_has_passed_is_loaded(node: RealContainerd, tmp_path: Path) -> None:
    identity = packings.docker_archive(
        tmp_path / "a.tar", [packings.layer({"a": os.urandom(9)})], tag="test.local/judged/a:1"
    )
    gate: dict[str, Any] = {"require_verdicts": ["image_scan"], "evidence_dir": str(tmp_path / "evidence")}
    wanted = {"archive": str(tmp_path / "a.tar")}
    store = EvidenceStore(tmp_path / "evidence")
    for verdict, word in ((None, "missing or too old"), ("failed", "failed")):
        if verdict:
            store.append(Record(gate="image_scan", subject=Subject("image", "a", identity), verdict="failed"))
        answer = load([node], wanted, **gate)
        assert answer["failed"]
        assert f"is {word}" in answer["msg"]
        assert "test.local/judged/a:1" not in node.names()
    store.append(Record(gate="image_scan", subject=Subject("image", "a", identity), verdict="passed"))
    done(load([node], wanted, **gate))
    assert "test.local/judged/a:1" in node.unpacked()
