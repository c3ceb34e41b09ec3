# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real files, judged by openssl and by real TLS handshakes."""

from __future__ import annotations

import base64
import copy
import datetime
import json
import os
import pwd
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.modules import call
from ansible_collections.rampart.k8s.tests.support.pki import (
    Arguments,
    actions,
    contents,
    example,
    openssl,
    travel,
)
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    return tmp_path / "pki"


@pytest.fixture
def arguments(pki: Path, tmp_path: Path) -> Arguments:
    return example(pki, tmp_path)


def test_check_do_check_do(arguments: Arguments, tmp_path: Path) -> None:
    predicted = call("cluster_pki", arguments, check=True, diff=True)
    assert len(actions(predicted)) == 7
    assert list(tmp_path.iterdir()) == []
    done = call("cluster_pki", arguments)
    assert actions(done).keys() == actions(predicted).keys()
    before = contents(tmp_path)
    for check in (True, False):
        again = call("cluster_pki", arguments, check=check)
        assert not again["changed"]
        assert actions(again) == {}
    assert contents(tmp_path) == before


def test_modes(arguments: Arguments, pki: Path, tmp_path: Path) -> None:
    call("cluster_pki", arguments)
    modes = {path.suffix: set[int]() for path in pki.rglob("*.*")}
    for path in pki.rglob("*.*"):
        modes[path.suffix].add(path.stat().st_mode & 0o777)
    assert modes == {".key": {0o600}, ".crt": {0o644}, ".pub": {0o644}}
    assert (pki.stat().st_mode & 0o777, (pki / "etcd").stat().st_mode & 0o777) == (0o700, 0o700)
    assert (tmp_path / "admin.kubeconfig").stat().st_mode & 0o777 == 0o600
    (pki / "ca.key").chmod(0o644)
    assert actions(call("cluster_pki", arguments)) == {"ca": "ca.key: its mode is 0644, not 0600"}
    assert (pki / "ca.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "authority", "purposes"),
    [
        ("apiserver", "ca", ["sslserver"]),
        ("admin", "ca", ["sslclient"]),
        ("etcd/server", "etcd/ca", ["sslserver", "sslclient"]),
    ],
)
def test_openssl_finds_nothing_wrong(
    arguments: Arguments, pki: Path, name: str, authority: str, purposes: list[str]
) -> None:
    call("cluster_pki", arguments)
    for purpose in ("sslserver", "sslclient"):
        verify = ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", str(pki / f"{authority}.crt")]
        done = subprocess.run(
            ["openssl", *verify, str(pki / f"{name}.crt")], capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) is (purpose in purposes), done.stderr


def test_the_certificates_say_what_rfc_5280_asks_for(arguments: Arguments, pki: Path) -> None:
    call("cluster_pki", arguments)
    text = openssl("x509", "-in", pki / "admin.crt", "-noout", "-text")
    assert "Public-Key: (256 bit)" in text
    assert "CA:FALSE" in text
    assert "X509v3 Key Usage: critical\n                Digital Signature\n" in text
    authority = openssl("x509", "-in", pki / "ca.crt", "-noout", "-text")
    assert "CA:TRUE, pathlen:0" in authority
    assert "Certificate Sign, CRL Sign" in authority
    certificates = [x509.load_pem_x509_certificate(path.read_bytes()) for path in pki.rglob("*.crt")]
    assert len({certificate.serial_number for certificate in certificates}) == 5
    for certificate in certificates:
        assert certificate.serial_number.bit_length() > 64
        assert certificate.not_valid_before_utc < datetime.datetime.now(datetime.UTC)
    subject = x509.load_pem_x509_certificate((pki / "admin.crt").read_bytes()).subject
    assert subject.rfc4514_string() == "CN=kubernetes-admin,O=system:masters,O=operators"


def test_the_signing_keys_fit(arguments: Arguments, pki: Path) -> None:
    arguments["key_pairs"].append({"name": "tokens"})
    call("cluster_pki", arguments)
    for name, kind in (("tokens", "rsaEncryption"), ("sa", "id-ecPublicKey")):
        assert openssl("pkey", "-in", pki / f"{name}.key", "-pubout") == (pki / f"{name}.pub").read_text()
        assert kind in openssl("asn1parse", "-in", pki / f"{name}.pub")
    assert "2048 bit" in openssl("pkey", "-in", pki / "tokens.key", "-noout", "-text")


def test_a_client_and_a_server_trust_each_other(arguments: Arguments, pki: Path) -> None:
    call("cluster_pki", arguments)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pki / "ca.crt")
    server.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=pki / "ca.crt")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    seen: list[Any] = []

    def serve(raw: socket.socket) -> None:
        with server.wrap_socket(raw, server_side=True) as stream:
            seen.append(stream.getpeercert())
            stream.sendall(b"welcome")

    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve, args=(theirs,))
    thread.start()
    with client.wrap_socket(ours, server_hostname="127.0.0.1") as stream:
        assert stream.recv(7) == b"welcome"
    thread.join(10)
    assert ("commonName", "kubernetes-admin") in [pair[0] for pair in seen[0]["subject"]]


def test_a_kubeconfig_holds_the_files(arguments: Arguments, pki: Path, tmp_path: Path) -> None:
    call("cluster_pki", arguments)
    content = json.loads((tmp_path / "admin.kubeconfig").read_text())
    user = content["users"][0]["user"]
    cluster = content["clusters"][0]["cluster"]
    assert base64.b64decode(user["client-key-data"]) == (pki / "admin.key").read_bytes()
    assert base64.b64decode(user["client-certificate-data"]) == (pki / "admin.crt").read_bytes()
    assert base64.b64decode(cluster["certificate-authority-data"]) == (pki / "ca.crt").read_bytes()
    assert cluster["server"] == "https://127.0.0.1:6443"
    assert content["current-context"] == "demo"


def change(name: str, **changes: Any) -> Callable[[Arguments, Path], None]:
    def apply(arguments: Arguments, pki: Path) -> None:
        next(item for item in arguments["certificates"] if item["name"] == name).update(changes)

    return apply


def overwrite(name: str, other: str = "") -> Callable[[Arguments, Path], None]:
    def apply(arguments: Arguments, pki: Path) -> None:
        (pki / name).write_bytes((pki / other).read_bytes() if other else b"no such thing")

    return apply


def remove(*names: str) -> Callable[[Arguments, Path], None]:
    def apply(arguments: Arguments, pki: Path) -> None:
        for name in names:
            (pki / name).unlink()

    return apply


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (change("apiserver", dns=["kubernetes"]), "its DNS names or addresses differ"),
        (change("apiserver", addresses=["127.0.0.1"]), "its DNS names or addresses differ"),
        (change("apiserver", common_name="x"), "its subject differs"),
        (change("apiserver", organizations=["x"]), "its subject differs"),
        (change("apiserver", usages=["server", "client"]), "its usages differ"),
        (change("apiserver", authority="etcd/ca"), "it is not signed by the present authority"),
        (remove("apiserver.crt"), "its certificate does not exist"),
        (remove("apiserver.key"), "its key does not exist"),
        (remove("apiserver.crt", "apiserver.key"), "it does not exist"),
        (overwrite("apiserver.crt"), "its certificate cannot be read"),
        (overwrite("apiserver.key"), "its key cannot be read"),
        (overwrite("apiserver.key", "admin.key"), "its key belongs to another certificate"),
        (overwrite("apiserver.crt", "admin.crt"), "its key belongs to another certificate"),
    ],
)
def test_a_certificate_is_made_anew_for_a_reason(
    arguments: Arguments, pki: Path, damage: Callable[[Arguments, Path], None], reason: str
) -> None:
    call("cluster_pki", arguments)
    damage(arguments, pki)
    before = contents(pki)
    assert actions(call("cluster_pki", arguments, check=True)) == {"apiserver": reason}
    assert contents(pki) == before
    assert actions(call("cluster_pki", arguments)) == {"apiserver": reason}
    assert not call("cluster_pki", arguments)["changed"]
    certificate = x509.load_pem_x509_certificate((pki / "apiserver.crt").read_bytes())
    key = load_pem_private_key((pki / "apiserver.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert certificate.public_key() == key.public_key()


def test_the_order_of_names_does_not_matter(arguments: Arguments) -> None:
    call("cluster_pki", arguments)
    arguments["certificates"][0]["dns"].reverse()
    arguments["certificates"][0]["addresses"] = ["0:0:0:0:0:0:0:1", "127.0.0.1"]
    arguments["certificates"][1]["organizations"].reverse()
    assert not call("cluster_pki", arguments)["changed"]


def test_certificates_are_renewed_in_time(arguments: Arguments, monkeypatch: pytest.MonkeyPatch) -> None:
    first = call("cluster_pki", arguments)
    travel(monkeypatch, days=334)
    assert not call("cluster_pki", arguments)["changed"]
    travel(monkeypatch, days=2)
    renewed = actions(call("cluster_pki", arguments))
    kubeconfig = str(Path(arguments["kubeconfigs"][0]["path"]))
    assert renewed.keys() == {"apiserver", "admin", "etcd/server", kubeconfig}
    assert (
        renewed["admin"]
        == f"it ends on {first['certificates'][1]['expires'][:10]}, within the time for renewal"
    )
    assert not call("cluster_pki", arguments)["changed"]
    travel(monkeypatch, days=366)
    assert actions(call("cluster_pki", arguments))["admin"] == "it has expired"


def test_a_certificate_ends_with_its_authority_and_is_not_renewed_in_vain(
    arguments: Arguments, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for authority in arguments["authorities"]:
        authority["days"] = 100
    done = call("cluster_pki", arguments)
    assert {item["expires"] for item in (*done["certificates"], *done["authorities"])} == {
        done["authorities"][0]["expires"]
    }
    travel(monkeypatch, days=90)
    assert not call("cluster_pki", arguments)["changed"]
    travel(monkeypatch, days=11)
    answer = call("cluster_pki", arguments)
    assert answer["failed"]
    assert "expired on" in answer["msg"]
    assert "remove both files" in answer["next_step"]
    for path in (*pki.glob("ca.*"), *pki.glob("etcd/ca.*")):
        path.unlink()
    assert actions(call("cluster_pki", arguments))["admin"] == "it is not signed by the present authority"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove("ca.key"), "cannot sign: its key does not exist"),
        (overwrite("ca.key"), "cannot sign: its key cannot be read"),
        (overwrite("ca.key", "etcd/ca.key"), "belongs to another certificate"),
        (overwrite("ca.crt"), "its certificate cannot be read"),
        (overwrite("ca.crt", "apiserver.crt"), "belongs to another certificate"),
        (lambda arguments, pki: arguments["authorities"][0].update(common_name="x"), "is called CN=demo-ca"),
    ],
)
def test_an_authority_is_never_replaced(
    arguments: Arguments, pki: Path, damage: Callable[[Arguments, Path], None], message: str
) -> None:
    call("cluster_pki", arguments)
    damage(arguments, pki)
    before = contents(pki)
    for check in (True, False):
        answer = call("cluster_pki", arguments, check=check)
        assert answer["failed"]
        assert message in answer["msg"]
        assert answer["next_step"]
    assert contents(pki) == before


def test_an_end_certificate_cannot_be_an_authority(arguments: Arguments, pki: Path) -> None:
    call("cluster_pki", arguments)
    overwrite("ca.crt", "apiserver.crt")(arguments, pki)
    overwrite("ca.key", "apiserver.key")(arguments, pki)
    assert "is not allowed to sign" in call("cluster_pki", arguments)["msg"]


def test_an_authority_of_which_only_the_key_was_written_is_completed(arguments: Arguments, pki: Path) -> None:
    call("cluster_pki", arguments)
    (pki / "ca.crt").unlink()
    key = (pki / "ca.key").read_bytes()
    assert actions(call("cluster_pki", arguments))["ca"] == "its certificate does not exist"
    assert (pki / "ca.key").read_bytes() == key
    openssl("verify", "-x509_strict", "-CAfile", pki / "ca.crt", pki / "apiserver.crt")
    assert not call("cluster_pki", arguments)["changed"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [(remove("sa.key"), "is gone"), (overwrite("sa.key"), "cannot be read")],
)
def test_a_lost_signing_key_is_not_replaced(
    arguments: Arguments, pki: Path, damage: Callable[[Arguments, Path], None], message: str
) -> None:
    call("cluster_pki", arguments)
    damage(arguments, pki)
    answer = call("cluster_pki", arguments)
    assert message in answer["msg"]
    assert "restore it from a backup" in answer["next_step"]


def test_a_lost_public_key_is_derived(arguments: Arguments, pki: Path) -> None:
    call("cluster_pki", arguments)
    public = (pki / "sa.pub").read_bytes()
    (pki / "sa.pub").unlink()
    assert actions(call("cluster_pki", arguments)) == {"sa": "sa.pub: it does not exist"}
    assert (pki / "sa.pub").read_bytes() == public


def test_no_key_is_in_any_answer(arguments: Arguments, pki: Path) -> None:
    answers = [
        call("cluster_pki", arguments, check=True, diff=True),
        call("cluster_pki", arguments, diff=True),
    ]
    (pki / "admin.key").unlink()
    answers.append(call("cluster_pki", arguments, diff=True))
    (pki / "ca.key").unlink()
    answers.append(call("cluster_pki", arguments, diff=True))
    text = json.dumps(answers)
    assert "PRIVATE" not in text
    assert "BEGIN" not in text
    for path in pki.rglob("*.key"):
        for line in path.read_text().splitlines()[1:-1]:
            assert line[:40] not in text
            assert base64.b64encode(line.encode()).decode()[:40] not in text


def test_another_server_changes_only_the_kubeconfig(arguments: Arguments) -> None:
    call("cluster_pki", arguments)
    other = copy.deepcopy(arguments)
    other["kubeconfigs"][0]["server"] = "https://192.0.2.1:6443"
    assert list(actions(call("cluster_pki", other))) == [arguments["kubeconfigs"][0]["path"]]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a key away")
def test_a_pair_moves_to_its_own_folder_and_its_owner(
    arguments: Arguments, pki: Path, tmp_path: Path
) -> None:
    call("cluster_pki", arguments)
    name = arguments["certificates"][0]["name"]
    authority = arguments["certificates"][0]["authority"]
    assert (pki / f"{name}.key").exists()
    own = tmp_path / "own"
    arguments["certificates"][0] |= {"directory": str(own), "owner": "nobody"}
    predicted = call("cluster_pki", arguments, check=True)
    assert "it belongs in another folder now" in predicted["reason"]
    assert not own.exists()

    call("cluster_pki", arguments)
    assert not (pki / f"{name}.key").exists()
    assert not (pki / f"{name}.crt").exists()
    key = own / f"{name}.key"
    assert key.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert key.stat().st_mode & 0o777 == 0o600
    assert (own / f"{name}.crt").stat().st_uid == 0
    assert (own / f"{authority}.crt").read_bytes() == (pki / f"{authority}.crt").read_bytes()
    assert not (own / f"{authority}.key").exists()
    assert not call("cluster_pki", arguments)["changed"]

    os.chown(key, 0, 0)
    assert "belongs to another user" in call("cluster_pki", arguments)["reason"]
    arguments["certificates"][0]["owner"] = "no-such-one"
    assert "no user no-such-one" in call("cluster_pki", arguments)["msg"]
