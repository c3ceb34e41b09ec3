# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signing with the real cosign: what must be refused is refused."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

from tests.support.layouts import layout
from tests.support.signing import COSIGN, CRANE, PASSPHRASE, House, hint_of, push, rewrite

pytestmark = pytest.mark.skipif(not (COSIGN and CRANE), reason="cosign and crane are not on PATH")


def test_a_signed_layout_passes_and_signing_again_does_nothing(house: House) -> None:
    image = house.image("app")
    assert house.sign(image, check=True)["changed"]
    assert not list((house.folder / "app").rglob("*bundle*"))
    assert "it is not signed" in house.verify(image, fails=True)["msg"]
    assert house.sign(image)["changed"]
    assert not house.sign(image)["changed"]
    answer = house.verify(image)
    assert answer["passed"]
    assert not answer["changed"]
    assert [each["type"] for each in answer["images"][0]["signatures"]] == ["signature"]
    # Tools that know nothing of signatures still see one image, unchanged.
    index = json.loads((house.folder / "app" / "index.json").read_text())
    assert len(index["manifests"]) == 1
    assert index["manifests"][0]["digest"] == answer["images"][0]["digest"]


def test_several_images_of_one_layout_are_signed(house: House) -> None:
    first = house.image("app")
    layout(house.folder / "other", [{"b": b"b"}], tag="2")
    folder = house.folder / "app"
    shutil.copytree(house.folder / "other" / "blobs", folder / "blobs", dirs_exist_ok=True)
    index = json.loads((folder / "index.json").read_text())
    index["manifests"] += json.loads((house.folder / "other" / "index.json").read_text())["manifests"]
    (folder / "index.json").write_text(json.dumps(index))
    images = [f"{first}:1", f"{first}:2"]
    house.sign(*images)
    assert not house.sign(*images)["changed"]
    assert house.verify(*images)["passed"]


def test_the_rest_of_the_world_understands_our_signatures_and_we_theirs(house: House, registry: str) -> None:
    local = house.image("app")
    remote = push(registry, local, "team/app")
    house.sign(local, remote)
    assert house.verify(local, remote)["passed"]
    public = house.folder / "key.pub"
    ring = json.loads((house.keys / "keyring.json").read_text())
    public.write_text(ring["keys"][0]["public_key"])
    verify = [COSIGN, "verify", "--key", str(public), "--insecure-ignore-tlog"]
    assert subprocess.run([*verify, remote], check=False, capture_output=True).returncode == 0
    folder = local.removeprefix("oci:")
    assert (
        subprocess.run([*verify, "--local-image", folder], check=False, capture_output=True).returncode == 0
    )
    other = push(registry, house.image("other", "other"), "team/other")
    assert not house.verify(other, fails=True)["passed"]
    digest = subprocess.run([CRANE, "digest", other], check=True, capture_output=True, text=True).stdout
    private = next(house.keys.glob("signing-*.key"))
    subprocess.run(
        [
            *(COSIGN, "sign", "--key", str(private), "--yes"),
            *("--use-signing-config=false", "--tlog-upload=false"),
            f"{other.removesuffix(':1')}@{digest.strip()}",
        ],
        input=PASSPHRASE.encode(),
        check=True,
        capture_output=True,
    )
    assert house.verify(other)["passed"]


def test_another_key_is_refused(house: House, tmp_path: Path) -> None:
    image = house.image("app")
    stranger = House(tmp_path / "stranger")
    stranger.folder.mkdir()
    stranger.ring()
    stranger.sign(image)
    answer = house.verify(image, fails=True)
    assert "signed by the unknown key" in answer["msg"]
    assert stranger.verify(image)["passed"]


def test_a_bundle_that_lies_about_its_key_is_refused(house: House, tmp_path: Path) -> None:
    image = house.image("app")
    stranger = House(tmp_path / "stranger")
    stranger.folder.mkdir()
    stranger.ring()
    stranger.sign(image)
    mine = json.loads((house.keys / "keyring.json").read_text())["keys"][0]["id"]
    theirs = json.loads((stranger.keys / "keyring.json").read_text())["keys"][0]["id"]
    rewrite(house.folder / "app", hint_of(theirs), hint_of(mine))
    answer = house.verify(image, fails=True)
    assert "it is not signed by an accepted key" in answer["msg"]
    assert "unknown key" not in answer["msg"]


def test_a_changed_image_is_refused(house: House) -> None:
    image = house.image("app")
    house.sign(image)
    blobs = house.folder / "app" / "blobs" / "sha256"
    layer = next(path for path in blobs.iterdir() if b"hello.txt" in path.read_bytes()[:100])
    layer.write_bytes(layer.read_bytes().replace(b"hello\0", b"jello\0", 1))
    assert "is not what its name says" in house.verify(image, fails=True)["msg"]


def test_a_replaced_image_is_refused(house: House) -> None:
    image = house.image("app")
    house.sign(image)
    # Other content under the same tag, with the old signature still lying there.
    house.image("app", "evil")
    answer = house.verify(image, fails=True)
    assert "it is not signed" in answer["msg"]


def test_the_signature_of_another_image_is_refused(house: House, registry: str) -> None:
    good = push(registry, house.image("good"), "team/good")
    evil = push(registry, house.image("evil", "evil"), "team/evil")
    house.sign(good)
    bundle = subprocess.run(
        [COSIGN, "download", "attestation", good], check=True, capture_output=True, text=True
    )
    file = house.folder / "stolen.json"
    file.write_text(bundle.stdout.splitlines()[0])
    subprocess.run(
        [COSIGN, "attach", "attestation", "--attestation", str(file), evil], check=True, capture_output=True
    )
    assert "another image" in house.verify(evil, fails=True)["msg"]


def test_a_changed_attestation_is_refused(house: House) -> None:
    image = house.image("app")
    house.sign(
        {"image": image, "attestations": [{"type": "https://example.com/t/v1", "predicate": {"n": 1}}]}
    )
    demand = [{"type": "https://example.com/t/v1", "constraints": [{"path": "n", "equals": 1}]}]
    assert house.verify(image, attestations=demand)["passed"]
    blobs = house.folder / "app" / "blobs" / "sha256"
    bundle = next(path for path in blobs.iterdir() if b"dsseEnvelope" in path.read_bytes())
    for path in blobs.iterdir():
        if b"dsseEnvelope" in path.read_bytes():
            payload = json.loads(path.read_bytes())["dsseEnvelope"]["payload"]
            if b"example.com" in base64.b64decode(payload):
                bundle = path
    payload = json.loads(bundle.read_bytes())["dsseEnvelope"]["payload"]
    forged = base64.b64encode(base64.b64decode(payload).replace(b'"n":1', b'"n":2'))
    rewrite(house.folder / "app", payload.encode(), forged)
    demand[0]["constraints"] = [{"path": "n", "equals": 2}]
    answer = house.verify(image, attestations=demand, fails=True)
    assert "has no https://example.com/t/v1 attestation that counts" in answer["msg"]


def test_attestations_are_demanded_with_their_constraints(house: House) -> None:
    image = house.image("app")
    old = {"time": "2026-01-01T00:00:00Z", "verdict": "passed", "gate": "image_scan"}
    house.sign({"image": image, "attestations": [{"type": "verdict:image_scan", "predicate": old}]})
    demand: dict[str, Any] = {
        "type": "verdict:image_scan",
        "constraints": [{"path": "verdict", "equals": "passed"}],
    }
    assert house.verify(image, attestations=[demand])["passed"]
    assert (
        "no cyclonedx attestation"
        in house.verify(image, attestations=[{"type": "cyclonedx"}], fails=True)["msg"]
    )
    demand["constraints"].append({"path": "time", "max_age_hours": 24})
    assert "max_age_hours" in house.verify(image, attestations=[demand], fails=True)["msg"]
    # A newer failed verdict outweighs the older passed one.
    newer = {**old, "time": "2026-02-01T00:00:00Z", "verdict": "failed"}
    house.sign({"image": image, "attestations": [{"type": "verdict:image_scan", "predicate": newer}]})
    demand["constraints"] = [{"path": "verdict", "equals": "passed"}]
    assert "'failed'" in house.verify(image, attestations=[demand], fails=True)["msg"]


def test_only_what_the_gates_passed_is_signed(house: House) -> None:
    image = house.image("app")
    digest = house.sign(image, check=True)["images"][0]["digest"]
    evidence: dict[str, Any] = {
        "require_verdicts": ["image_scan"],
        "evidence_dir": str(house.folder / "evidence"),
    }
    assert "missing or too old" in house.sign(image, fails=True, **evidence)["msg"]
    store = EvidenceStore(house.folder / "evidence")
    store.append(Record(gate="image_scan", subject=Subject("image", image, digest), verdict="failed"))
    assert "is failed" in house.sign(image, fails=True, **evidence)["msg"]
    assert house.verify(image, fails=True)["images"][0]["signatures"] == []
    store.append(Record(gate="image_scan", subject=Subject("image", image, digest), verdict="passed"))
    assert house.sign(image, **evidence)["images"][0]["signed"] == ["signature", "verdict:image_scan"]
    # The same verdict again is not attested again while the first one is young.
    store.append(Record(gate="image_scan", subject=Subject("image", image, digest), verdict="passed"))
    assert not house.sign(image, **evidence)["changed"]
    other = Record(
        gate="image_scan", subject=Subject("image", image, digest), verdict="passed", policy=digest
    )
    store.append(other)
    assert house.sign(image, **evidence)["images"][0]["signed"] == ["verdict:image_scan"]
    demand = [
        {
            "type": "verdict:image_scan",
            "constraints": [
                {"path": "verdict", "equals": "passed"},
                {"path": "time", "max_age_hours": 1},
            ],
        }
    ]
    passed = house.verify(image, attestations=demand, evidence_dir=evidence["evidence_dir"])
    assert store.latest("image_verify", digest) is not None
    assert len(passed["evidence"]) == 1
