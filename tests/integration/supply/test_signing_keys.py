# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signing keys with the real cosign: replaced without a gap, wherever they are, and shown to nobody."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import call, run_killed
from tests.support.signing import COSIGN, CRANE, PASSPHRASE, House, push, recording

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")

pytestmark = pytest.mark.skipif(not (COSIGN and CRANE), reason="cosign and crane are not on PATH")


def test_an_expired_key_is_refused(house: House) -> None:
    image = house.image("app")
    house.sign(image)
    path = house.keys / "keyring.json"
    ring = json.loads(path.read_text())
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=5)
    ring["keys"][0]["expires"] = past.strftime("%Y-%m-%dT%H:%M:%SZ")
    path.write_text(json.dumps(ring))
    assert "the key expired on" in house.verify(image, fails=True)["msg"]
    assert "signs nothing that would be accepted" in house.sign(image, fails=True)["msg"]
    assert "expires on" in house.ring()["reason"]
    assert house.sign(image)["changed"]
    assert house.verify(image)["passed"]


def test_a_key_is_replaced_with_an_overlap(house: House, registry: str) -> None:
    local = house.image("app")
    remote = push(registry, house.image("other", "other"), "team/other")
    house.sign({"image": local, "attestations": [{"type": "spdx", "predicate": {"a": "b"}}]}, remote)
    old = house.ring()["active"]
    began = house.ring(replace=old)
    assert began["changed"]
    assert [key["state"] for key in began["ring"]] == ["accepted", "active"]
    assert not house.ring(replace=old)["changed"]
    assert house.verify(local, remote, attestations=[])["passed"]
    refused = house.ring(retire=True, inventory=[local, remote], fails=True)
    assert len(refused["not_under_active"]) == 2
    # Only one of the two, and without its attestation, is not enough either.
    house.sign(local)
    refused = house.ring(retire=True, inventory=[local, remote], fails=True)
    assert any("spdx" in sentence for sentence in refused["not_under_active"])
    assert "inventory" in house.ring(retire=True, fails=True)["msg"]
    again = house.sign(local, remote, resign=True)
    assert {each["image"]: each["signed"] for each in again["images"]} == {
        local: ["spdx"],
        remote: ["signature"],
    }
    assert not house.sign(local, remote, resign=True)["changed"]
    done = house.ring(retire=True, inventory=[local, remote])
    assert [key["state"] for key in done["ring"]] == ["retired", "active"]
    assert not house.ring(retire=True, inventory=[local, remote])["changed"]
    assert house.verify(local, attestations=[{"type": "spdx"}])["passed"]
    assert house.verify(remote)["passed"]


def test_what_only_a_retired_key_signed_is_refused(house: House) -> None:
    image = house.image("app")
    house.sign(image)
    house.ring(revoke=[house.ring()["active"]])
    answer = house.verify(image, fails=True)
    assert "the key was retired on" in answer["msg"]
    assert [key["state"] for key in house.ring()["ring"]] == ["retired", "active"]


def test_a_rotation_killed_at_any_point_is_finished_by_the_next(tmp_path: Path) -> None:
    point, killed = 0, True
    while killed:
        folder = tmp_path / str(point)
        folder.mkdir()
        house = House(folder)
        old = house.ring()["active"]
        image = house.image("app")
        house.sign(image)
        arguments = {**house.tools, "directory": str(house.keys), "passphrase": PASSPHRASE, "replace": old}
        killed = run_killed("signing_keys", arguments, point=point, folder=folder)
        # Whenever it died, what was signed is accepted.
        assert house.verify(image)["passed"]
        keys = house.ring(replace=old)["ring"]
        assert [key["state"] for key in keys] == ["accepted", "active"]
        signing = {**house.tools, "keys": str(house.keys), "passphrase": PASSPHRASE, "resign": True}
        run_killed("image_sign", {**signing, "images": [{"image": image}]}, point=point, folder=folder)
        assert house.verify(image)["passed"]
        house.sign(image, resign=True)
        house.ring(replace=old, retire=True, inventory=[image])
        assert house.verify(image)["passed"]
        assert not house.ring(replace=old, retire=True, inventory=[image])["changed"]
        assert not list(folder.rglob(".rampart-*"))
        assert len(list(house.keys.glob("signing-*.key"))) == 2
        point += 1
    assert point > 5


def test_the_passphrase_reaches_nobody_but_cosign_by_its_standard_input(house: House) -> None:
    image = house.image("app")
    house.tools["cosign"], log = recording(house.folder)
    house.ring(replace=house.ring()["active"])
    house.sign(image)
    assert "attest-blob" in log.read_text()
    found = [
        path
        for path in house.folder.rglob("*")
        if path.is_file() and PASSPHRASE.encode() in path.read_bytes()
    ]
    assert found == []


def test_a_wrong_passphrase_and_a_missing_tool_are_said(house: House) -> None:
    image = house.image("app")
    wrong = call(
        "image_sign",
        {
            **house.tools,
            "keys": str(house.keys),
            "passphrase": "another long phrase",
            "images": [{"image": image}],
        },
    )
    assert "decryption failed" in wrong["msg"]
    house.tools["cosign"] = "/nonexistent/cosign"
    assert "Could not start" in house.verify(image, fails=True)["msg"]


@pytest.mark.skipif(not SOFTHSM.exists(), reason="softhsm2 is not installed")
def test_a_key_in_a_token_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    config = tmp_path / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(config))
    pin = "24681357"
    subprocess.run(
        [
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            "release",
            "--pin",
            pin,
            "--so-pin",
            "13572468",
        ],
        check=True,
        capture_output=True,
    )
    for number in ("01", "02"):
        key = tmp_path / f"{number}.pem"
        subprocess.run(
            [
                "openssl",
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-out",
                str(key),
            ],
            check=True,
            capture_output=True,
        )
        subprocess.run(
            [
                *("softhsm2-util", "--import", str(key), "--token", "release"),
                *("--label", f"signer{number}", "--id", number, "--pin", pin),
            ],
            check=True,
            capture_output=True,
        )
    monkeypatch.delenv("SOFTHSM2_CONF")
    secrets: dict[str, Any] = {"pin": pin, "key_environment": {"SOFTHSM2_CONF": str(config)}}
    house = House(tmp_path)
    uri = "pkcs11:token=release;object=signer{0};id=%{0}?module-path=" + str(SOFTHSM)
    first = house.ring(reference=uri.format("01"), **secrets)
    assert not house.ring(reference=uri.format("01"), **secrets)["changed"]
    assert not list(house.keys.glob("*.key"))
    image = house.image("app")
    house.tools["cosign"], log = recording(tmp_path)
    signed = house.sign(image, **secrets)
    # cosign takes it from its environment only; no argument has it.
    assert {line for line in log.read_text().splitlines() if pin in line} == {f"COSIGN_PKCS11_PIN={pin}"}
    assert pin not in json.dumps({**signed, "invocation": {}})
    assert house.verify(image)["passed"]
    second = house.ring(reference=uri.format("02"), **secrets)
    assert second["active"] != first["active"]
    house.sign(image, resign=True, **secrets)
    house.ring(reference=uri.format("02"), retire=True, inventory=[image], **secrets)
    assert house.verify(image)["passed"]
    bad = house.ring(reference=uri.format("01") + "&pin-value=" + pin, fails=True)
    assert "The PIN stands in the URI" in bad["msg"]
    assert os.environ.get("COSIGN_PKCS11_PIN") is None
