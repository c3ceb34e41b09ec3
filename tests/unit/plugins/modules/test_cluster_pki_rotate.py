# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authorities and signing keys are replaced with an overlap: real files, judged by openssl."""

from __future__ import annotations

import base64
import datetime
import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.modules import call
from ansible_collections.rampart.k8s.tests.support.pki import Arguments, contents, example, travel
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

STEPS = ("trust", "switch", "drop")
LONG_AGO = 10_000 * 86400


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    return tmp_path / "pki"


@pytest.fixture
def arguments(pki: Path, tmp_path: Path) -> Arguments:
    return example(pki, tmp_path)


def rotated(arguments: Arguments, name: str, step: str, **more: Any) -> dict[str, Any]:
    wanted = {"names": [name], "step": step, **more}
    answer = call("cluster_pki", {**arguments, "rotate": [wanted]}, diff=True)
    assert not answer.get("failed"), answer["msg"]
    return answer


def age(path: Path) -> None:
    """Let a key look as if it had signed for a long time."""
    os.utime(path, (path.stat().st_mtime - LONG_AGO,) * 2)


def verifies(leaf: bytes, trusted: bytes, tmp_path: Path) -> bool:
    (tmp_path / "leaf.pem").write_bytes(leaf)
    (tmp_path / "trusted.pem").write_bytes(trusted)
    command = [
        "openssl",
        "verify",
        "-x509_strict",
        "-CAfile",
        str(tmp_path / "trusted.pem"),
        str(tmp_path / "leaf.pem"),
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_an_authority_goes_its_way_and_neighbouring_stages_trust_each_other(
    arguments: Arguments, pki: Path, tmp_path: Path
) -> None:
    call("cluster_pki", arguments)
    stages = [("settled", (pki / "ca.crt").read_bytes(), (pki / "apiserver.crt").read_bytes())]
    for step, stage, count in (("trust", "trusted", 2), ("switch", "switched", 2), ("drop", "settled", 1)):
        due = {"made_before": tomorrow()} if step == "trust" else {}
        answer = rotated(arguments, "ca", step, **due)
        assert answer["changed"]
        assert answer["stages"] == {"ca": stage, "etcd/ca": "settled", "sa": "settled"}
        trusted = (pki / "ca.crt").read_bytes()
        assert trusted.count(b"BEGIN CERTIFICATE") == count
        stages.append((stage, trusted, (pki / "apiserver.crt").read_bytes()))
        # What is in between is kept by every other run.
        before = contents(tmp_path)
        assert not call("cluster_pki", arguments)["changed"]
        assert not rotated(arguments, "ca", step, **due)["changed"] or step == "drop"
        assert contents(tmp_path) == before
        # kube-controller-manager takes one certificate only, that of the key.
        signing = (pki / "ca-signing.crt").read_bytes()
        assert trusted.startswith(signing)
        assert signing.count(b"BEGIN CERTIFICATE") == 1
        config = json.loads((tmp_path / "admin.kubeconfig").read_text())
        embedded = config["clusters"][0]["cluster"]["certificate-authority-data"]
        assert base64.b64decode(embedded) == trusted
    for (_one, trusted, leaf), (_other, next_trusted, next_leaf) in itertools.pairwise(stages):
        assert verifies(leaf, next_trusted, tmp_path)
        assert verifies(next_leaf, trusted, tmp_path)
    first, last = stages[0], stages[-1]
    assert not verifies(first[2], last[1], tmp_path)
    assert not verifies(last[2], first[1], tmp_path)
    assert not list(pki.rglob("*.next.*"))
    # etcd's authority had no part in it.
    assert verifies((pki / "etcd/server.crt").read_bytes(), (pki / "etcd/ca.crt").read_bytes(), tmp_path)


def tomorrow() -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=23)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def test_a_signing_key_goes_its_way(arguments: Arguments, pki: Path) -> None:
    call("cluster_pki", arguments)
    old = public_of(pki / "sa.key")
    age(pki / "sa.key")
    assert rotated(arguments, "sa", "trust", max_age_days=365)["stages"]["sa"] == "trusted"
    assert public_of(pki / "sa.key") == old
    known = publics(pki / "sa.pub")
    assert known[0] == old
    assert len(known) == 2
    assert rotated(arguments, "sa", "switch")["stages"]["sa"] == "switched"
    new = public_of(pki / "sa.key")
    assert publics(pki / "sa.pub") == [new, old] == [known[1], known[0]]
    later = int(datetime.datetime.now(datetime.UTC).timestamp()) + 60
    answer = rotated(arguments, "sa", "drop", after=later)
    assert not answer["changed"]
    (entry,) = answer["key_pairs"]
    assert "may be in use until" in entry["reason"]
    assert publics(pki / "sa.pub") == [new, old]
    assert rotated(arguments, "sa", "drop", after=later - 120)["changed"]
    assert publics(pki / "sa.pub") == [new]
    # It has just begun to sign, so nothing is due.
    assert not rotated(arguments, "sa", "trust", max_age_days=365)["changed"]


def public_of(key: Path) -> Any:
    return load_pem_private_key(key.read_bytes(), None).public_key()


def publics(path: Path) -> list[Any]:
    parts = path.read_bytes().split(b"-----END PUBLIC KEY-----\n")
    return [load_pem_public_key(part + b"-----END PUBLIC KEY-----\n") for part in parts if part]


@pytest.mark.parametrize("name", ["ca", "sa"])
def test_nothing_is_due_without_a_reason(arguments: Arguments, name: str, tmp_path: Path) -> None:
    call("cluster_pki", arguments)
    before = contents(tmp_path)
    for step in STEPS:
        assert not rotated(arguments, name, step, max_age_days=3650)["changed"]
        assert not rotated(arguments, name, step)["changed"]
    assert contents(tmp_path) == before


def test_the_age_of_an_authority_stands_in_its_certificate(
    arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("cluster_pki", arguments)
    travel(monkeypatch, days=300)
    assert not rotated(arguments, "ca", "trust", max_age_days=301)["changed"]
    answer = rotated(arguments, "ca", "trust", max_age_days=299)
    assert answer["stages"]["ca"] == "trusted"
    assert "ca: it is 300 days old; the next one is trusted as well" in answer["reason"]


def test_the_old_one_is_not_dropped_before_the_next_one_signs(arguments: Arguments, pki: Path) -> None:
    call("cluster_pki", arguments)
    rotated(arguments, "ca", "trust", made_before=tomorrow())
    wanted = [{"names": ["ca"], "step": "drop"}]
    answer = call("cluster_pki", {**arguments, "rotate": wanted})
    assert answer["failed"]
    assert "does not sign yet" in answer["msg"]
    assert (pki / "ca.crt").read_bytes().count(b"BEGIN CERTIFICATE") == 2


def test_an_authority_of_somebody_else_beside_ours_stays(arguments: Arguments, pki: Path) -> None:
    call("cluster_pki", arguments)
    foreign = (pki / "etcd/ca.crt").read_bytes()
    with (pki / "ca.crt").open("ab") as stream:
        stream.write(foreign)
    assert call("cluster_pki", arguments)["stages"]["ca"] == "settled"
    for step in STEPS:
        due = {"made_before": tomorrow()} if step == "trust" else {}
        rotated(arguments, "ca", step, **due)
        assert foreign in (pki / "ca.crt").read_bytes()
    assert (pki / "ca.crt").read_bytes().count(b"BEGIN CERTIFICATE") == 2


def test_no_key_is_shown_at_any_step(arguments: Arguments, pki: Path) -> None:
    call("cluster_pki", arguments)
    for step in STEPS:
        due = {"made_before": tomorrow()} if step == "trust" else {}
        said = str(rotated(arguments, "ca", step, **due))
        for key in pki.rglob("*.key"):
            secret = key.read_text().splitlines()[1][:24]
            assert secret not in said


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"names": ["none"], "step": "trust"}, "names none, which is not given"),
        ({"names": ["ca"], "step": "trust", "made_before": "yesterday"}, "is no time in UTC"),
        ({"names": ["ca"], "step": "trust", "made_before": "2099-01-01T00:00:00Z"}, "lies in the future"),
    ],
)
def test_what_cannot_be_rotated_is_said(arguments: Arguments, wanted: dict[str, Any], said: str) -> None:
    answer = call("cluster_pki", {**arguments, "rotate": [wanted]})
    assert answer["failed"]
    assert said in answer["msg"]
