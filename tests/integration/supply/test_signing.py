# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signing with the real cosign: what must be refused is refused, and keys are replaced without a gap."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

from tests.support.layouts import layout
from tests.support.modules import call, run_killed
from tests.support.registries import real_registry

COSIGN = shutil.which("cosign") or ""
CRANE = shutil.which("crane") or ""
PASSPHRASE = "a phrase for tests only"
SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")

pytestmark = pytest.mark.skipif(not (COSIGN and CRANE), reason="cosign and crane are not on PATH")


class House:
    """A ring, images and evidence in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = folder / "keys"
        self.tools = {"cosign": COSIGN, "crane": CRANE}

    def ring(self, *, fails: bool = False, **options: Any) -> dict[str, Any]:
        return self._call("signing_keys", fails, directory=str(self.keys), passphrase=PASSPHRASE, **options)

    def image(self, name: str, text: str = "hello") -> str:
        layout(self.folder / name, [{"hello.txt": text.encode()}])
        return f"oci:{self.folder / name}"

    def sign(self, *images: str | dict[str, Any], fails: bool = False, **options: Any) -> dict[str, Any]:
        entries = [{"image": each} if isinstance(each, str) else each for each in images]
        return self._call(
            "image_sign",
            fails,
            keys=str(self.keys),
            passphrase=PASSPHRASE,
            images=entries,
            **options,
        )

    def verify(self, *images: str, fails: bool = False, **options: Any) -> dict[str, Any]:
        ring = options.pop("keyring", str(self.keys / "keyring.json"))
        return self._call("image_verify", fails, keyring=ring, images=list(images), **options)

    def _call(self, module: str, fails: bool, **arguments: Any) -> dict[str, Any]:
        check = arguments.pop("check", False)
        answer = call(module, {**self.tools, **arguments}, check=check)
        assert bool(answer.get("failed")) is fails, answer.get("msg")
        assert PASSPHRASE not in json.dumps({**answer, "invocation": {}})
        return answer


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.ring()
    return made


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with real_registry(folder) as url:
        yield url.removeprefix("http://")


def push(registry: str, image: str, name: str) -> str:
    subprocess.run(
        [CRANE, "push", image.removeprefix("oci:"), f"{registry}/{name}:1"], check=True, capture_output=True
    )
    return f"{registry}/{name}:1"


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


def hint_of(identity: str) -> bytes:
    return base64.b64encode(bytes.fromhex(identity.removeprefix("sha256:")))


def rewrite(folder: Path, old: bytes, new: bytes) -> None:
    """Change what is attached to an image and make all digests fit again, as somebody who can write would."""
    blobs = folder / "blobs" / "sha256"
    renamed = {}
    for path in list(blobs.iterdir()):
        content = path.read_bytes()
        if old in content and b"dsseEnvelope" in content:
            changed = content.replace(old, new)
            name = hashlib.sha256(changed).hexdigest()
            (blobs / name).write_bytes(changed)
            renamed[path.name] = (name, len(content), len(changed))
            path.unlink()
    assert renamed
    for path in list(blobs.iterdir()):
        content = path.read_bytes()
        if b'"subject"' not in content:
            continue
        for before, (after, old_size, new_size) in renamed.items():
            if before.encode() in content:
                content = content.replace(before.encode(), after.encode())
                content = content.replace(f'"size":{old_size}'.encode(), f'"size":{new_size}'.encode())
                path.unlink()
                (blobs / hashlib.sha256(content).hexdigest()).write_bytes(content)


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
    assert [key["state"] for key in began["keys"]] == ["accepted", "active"]
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
    assert [key["state"] for key in done["keys"]] == ["retired", "active"]
    assert not house.ring(retire=True, inventory=[local, remote])["changed"]
    assert house.verify(local, attestations=[{"type": "spdx"}])["passed"]
    assert house.verify(remote)["passed"]


def test_what_only_a_retired_key_signed_is_refused(house: House) -> None:
    image = house.image("app")
    house.sign(image)
    house.ring(revoke=[house.ring()["active"]])
    answer = house.verify(image, fails=True)
    assert "the key was retired on" in answer["msg"]
    assert [key["state"] for key in house.ring()["keys"]] == ["retired", "active"]


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
        keys = house.ring(replace=old)["keys"]
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


def recording(folder: Path) -> tuple[str, Path]:
    """Return a cosign that writes down what it was started with, and where it does."""
    program, log = folder / "cosign", folder / "cosign.log"
    told = f"{{ tr '\\0' '\\n' </proc/$$/environ; printf '%s\\n' \"$@\"; }} >>{log}"
    program.write_text(f'#!/bin/sh\n{told}\nexec {COSIGN} "$@"\n')
    program.chmod(0o755)
    return str(program), log


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
