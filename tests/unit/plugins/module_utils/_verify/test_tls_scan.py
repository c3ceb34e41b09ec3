# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers with real certificates: the good one passes, and each bad one is named."""

from __future__ import annotations

import datetime
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._verify import handshake, tls_scan
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.tls_scan import Line
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME = "app.dev.svc"
NOW = datetime.datetime.now(datetime.UTC)
HELD, BROKEN, OPEN = Verdict.HELD, Verdict.BROKEN, Verdict.NOT_PROVEN


class Authority:
    """Signs itself, and serves with that."""

    def __init__(self, folder: Path, days: int = 90) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=1))
            .not_valid_after(NOW + datetime.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.file = folder / "tls.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self.file.write_bytes(private + self.pem.encode())

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.file)
        return made


@contextmanager
def serving(context: ssl.SSLContext | None, *, postgresql: str = "") -> Iterator[int]:
    """Shake hands with whoever comes."""

    def serve() -> None:
        while True:
            try:
                plain, _address = server.accept()
            except OSError:
                return
            with plain:
                try:
                    if postgresql:
                        assert struct.unpack("!II", plain.recv(8)) == (8, 80877103)
                        plain.sendall(postgresql.encode())
                    if context is None:
                        plain.recv(64)
                        plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    else:
                        context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def scan(port: int, anchors: str = "", protocol: str = handshake.PLAIN, name: str = NAME) -> list[Proof]:
    line = Line("dev/app:443", "127.0.0.1", port, protocol, name, anchors, "nobody said it")
    return tls_scan.scan(line, 7, NOW)


def verdicts(proofs: list[Proof]) -> list[Verdict]:
    return [proof.verdict for proof in proofs]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_server_of_today_passes_every_greeting(authority: Authority) -> None:
    with serving(authority.context()) as port:
        proofs = scan(port, authority.pem)
    assert verdicts(proofs) == [HELD] * 5
    assert [proof.negative for proof in proofs] == [False, True, True, False, False]


@pytest.mark.parametrize(("answer", "wanted"), [("S", [HELD] * 5), ("N", [BROKEN])])
def test_postgresql_is_asked_in_its_own_words(
    authority: Authority, answer: str, wanted: list[Verdict]
) -> None:
    with serving(authority.context(), postgresql=answer) as port:
        assert verdicts(scan(port, authority.pem, handshake.POSTGRESQL)) == wanted


def test_plain_text_is_no_tls() -> None:
    with serving(None) as port:
        (proof,) = scan(port)
    assert (proof.verdict, proof.observed) == (BROKEN, "WRONG_VERSION_NUMBER")


def test_an_old_protocol_and_weak_ciphers_are_found(authority: Authority) -> None:
    context = authority.context()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:aNULL:eNULL:@SECLEVEL=0")
    with serving(context) as port:
        proofs = scan(port, authority.pem)
    assert verdicts(proofs) == [HELD, BROKEN, BROKEN, HELD, HELD]
    assert proofs[1].observed == "the handshake was made (TLSv1.1)"


def test_a_certificate_needs_an_authority_a_name_and_a_future(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    with serving(authority.context()) as port:
        assert verdicts(scan(port))[3:] == [OPEN]
        (foreign,) = scan(port, other.pem)[3:]
        (misnamed,) = scan(port, authority.pem, name="other.dev.svc")[3:]
    assert foreign.verdict is BROKEN
    assert misnamed.verdict is BROKEN
    assert "other.dev.svc" in misnamed.observed


def test_a_certificate_that_ends_soon_is_named(tmp_path: Path) -> None:
    ending = Authority(tmp_path, days=6)
    with serving(ending.context()) as port:
        proofs = scan(port, ending.pem)
    assert verdicts(proofs) == [HELD, HELD, HELD, HELD, BROKEN]
    assert proofs[4].observed == f"it ends {NOW + datetime.timedelta(days=6):%Y-%m-%d}"


def test_only_the_servers_own_word_is_a_refusal() -> None:
    def said(what: str) -> Verdict:
        return tls_scan.refusal("it refuses", handshake.Greeting(False, what)).verdict

    assert said("TLSV1_ALERT_PROTOCOL_VERSION") is HELD
    assert said("SSLV3_ALERT_HANDSHAKE_FAILURE") is HELD
    assert said("NO_CIPHERS_AVAILABLE") is OPEN
    assert said("Connection reset by peer") is OPEN
