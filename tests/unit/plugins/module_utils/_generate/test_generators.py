# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every generator makes what it says, with the strength that was asked for."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import math
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate import key_sets, make, password
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.verification import PolicyBuilder, Store

NOW = datetime.datetime.now(tz=datetime.UTC).replace(microsecond=0)
USUAL = {"entropy_bits": 192, "size": 32, "encoding": "raw"}


def define(*keys: dict[str, Any], name: str = "s", **more: Any) -> Definition:
    return Definition.of(
        {
            "namespace": "dev",
            "name": name,
            "secret_class": "api_key",
            "keys": [{"generator": "password", **USUAL, **key} for key in keys],
            **more,
        }
    )


def made(*keys: dict[str, Any], **material: Any) -> dict[str, bytes]:
    definition = define(*keys)
    make.check(definition)
    return make.make(definition, make.Material(NOW, **material))


def number(text: str) -> int:
    return int.from_bytes(raw(text), "big")


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(
    ("alphabet", "bits"), [(password.ALPHABET, 192), ("01", 80), ("abcdef0123456789", 128)]
)
def test_a_password_has_the_entropy_that_was_asked_for(alphabet: str, bits: int) -> None:
    found = made({"name": "p", "alphabet": alphabet, "entropy_bits": bits})["p"].decode()
    assert set(found) <= set(alphabet)
    assert bits <= len(found) * math.log2(len(alphabet)) < bits + math.log2(len(alphabet))


def test_letters_are_drawn_alike() -> None:
    letters = "".join(password.make("abcd", 20000).decode() for _unused in range(2))
    assert all(0.23 < letters.count(letter) / len(letters) < 0.27 for letter in "abcd")


@pytest.mark.parametrize(
    "key",
    [
        {"alphabet": "aa"},
        {"alphabet": "a"},
        {"alphabet": "a b"},
        {"entropy_bits": 79},
        {"generator": "bytes", "size": 15},
        {"generator": "key_pair", "algorithm": "dsa"},
        {"generator": "signing_keys", "algorithm": "none"},
        {"generator": "jwks", "source": "x"},
        {"generator": "tls", "common_name": "x", "dns": ["x"]},
        {"generator": "tls", "ca": "x", "common_name": "x", "dns": ["not a name"]},
        {"generator": "tls", "ca": "x", "common_name": "x"},
        {"generator": "authority"},
        {"generator": "authority", "common_name": "x", "algorithm": "ed25519"},
        {"generator": "docker_config", "registry": "r", "username": "u"},
        {"generator": "template", "text": "${other}"},
        {"generator": "template", "text": "${k}"},
        {"generator": "constant"},
    ],
    ids=str,
)
def test_what_cannot_be_made_is_refused_before_anything_is_looked_at(key: dict[str, Any]) -> None:
    with pytest.raises(RampartError):
        make.check(define({"name": "k", **key}))


@pytest.mark.parametrize(("encoding", "length"), [("raw", 32), ("hex", 64), ("base64", 44)])
def test_bytes_are_written_as_asked(encoding: str, length: int) -> None:
    assert len(made({"name": "b", "generator": "bytes", "encoding": encoding})["b"]) == length


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("ec-p256", ec.EllipticCurvePrivateKey),
        ("ed25519", ed25519.Ed25519PrivateKey),
        ("rsa-2048", rsa.RSAPrivateKey),
    ],
)
def test_the_halves_of_a_pair_belong_together(algorithm: str, kind: type) -> None:
    found = made({"name": "key", "generator": "key_pair", "algorithm": algorithm, "public_name": "pub"})
    key = serialization.load_pem_private_key(found["key"], None)
    assert isinstance(key, kind)
    public = serialization.load_pem_public_key(found["pub"])
    assert public == key.public_key()


def test_an_ec_key_of_a_set_is_on_its_curve_and_named_by_its_thumbprint() -> None:
    (key,) = json.loads(made({"name": "k", "generator": "signing_keys", "algorithm": "ES256"})["k"])["keys"]
    point = ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), ec.SECP256R1()).public_key()
    secret = ec.derive_private_key(number(key["d"]), ec.SECP256R1())
    assert secret.public_key() == point
    # RFC 7638, section 3: the members in order, without a space.
    text = f'{{"crv":"P-256","kty":"EC","x":"{key["x"]}","y":"{key["y"]}"}}'
    assert raw(key["kid"]) == hashlib.sha256(text.encode()).digest()
    assert (key["alg"], key["use"]) == ("ES256", "sig")


def test_an_rsa_key_of_a_set_is_whole() -> None:
    (key,) = json.loads(made({"name": "k", "generator": "signing_keys", "algorithm": "RS256"})["k"])["keys"]
    public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"]))
    p, q, d, dp, dq, qi = (number(key[name]) for name in ("p", "q", "d", "dp", "dq", "qi"))
    assert rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public).private_key().key_size == 3072


def test_an_okp_key_of_a_set_signs() -> None:
    (key,) = json.loads(made({"name": "k", "generator": "signing_keys", "algorithm": "EdDSA"})["k"])["keys"]
    private = ed25519.Ed25519PrivateKey.from_private_bytes(raw(key["d"]))
    ed25519.Ed25519PublicKey.from_public_bytes(raw(key["x"])).verify(private.sign(b"x"), b"x")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_the_public_set_knows_nothing_private(algorithm: str) -> None:
    private = key_sets.make(algorithm)
    sources = {"signing": {"keys": private}}
    found = made(
        {"name": "k", "generator": "jwks", "source": "signing", "source_key": "keys"}, sources=sources
    )["k"]
    (secret,), (public,) = json.loads(private)["keys"], json.loads(found)["keys"]
    assert public["kid"] == secret["kid"]
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & public.keys()


def test_of_a_shared_key_nothing_is_published() -> None:
    sources = {"signing": {"keys": key_sets.make("HS256")}}
    with pytest.raises(RampartError, match="shared key"):
        made({"name": "k", "generator": "jwks", "source": "signing", "source_key": "keys"}, sources=sources)


def test_a_certificate_is_verified_by_the_authority_that_signed_it() -> None:
    authority = made({"name": "a", "generator": "authority", "common_name": "test ca"})
    found = made(
        {"name": "c", "generator": "tls", "ca": "ca", "common_name": "db", "dns": ["db.dev.svc"], "days": 30},
        sources={"ca": authority},
    )
    assert found.keys() == {"tls.crt", "tls.key", "ca.crt"}
    root = x509.load_pem_x509_certificate(authority["ca.crt"])
    leaf = x509.load_pem_x509_certificate(found["tls.crt"])
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(x509.DNSName("db.dev.svc"))
    assert verifier.verify(leaf, [])
    key = serialization.load_pem_private_key(found["tls.key"], None)
    assert key.public_key() == leaf.public_key()


def test_a_certificate_that_nobody_named_is_named_by_its_first_dns_name() -> None:
    authority = made({"name": "a", "generator": "authority", "common_name": "test ca"})
    key = {"name": "c", "generator": "tls", "ca": "ca", "dns": ["db.dev.svc", "db"]}
    leaf = x509.load_pem_x509_certificate(made(key, sources={"ca": authority})["tls.crt"])
    assert leaf.subject.rfc4514_string() == "CN=db.dev.svc"


def test_a_template_is_filled_and_encoded_for_its_place() -> None:
    found = made(
        {"name": "url", "generator": "template", "text": "postgresql://${user}:${password|url}@db/app"},
        {"name": "user", "generator": "constant", "text": "app"},
        {"name": "password", "alphabet": "/:@%"},
    )
    assert found["url"].startswith(b"postgresql://app:%")
    assert b"@db/app" in found["url"]
    assert found["url"].count(b"@") == 1


def test_a_registry_gets_its_password_in_both_forms() -> None:
    key = {
        "generator": "docker_config",
        "name": ".dockerconfigjson",
        "registry": "r.example",
        "username": "u",
    }
    entry = json.loads(made(key)[".dockerconfigjson"])["auths"]["r.example"]
    assert base64.b64decode(entry["auth"]).decode() == f"u:{entry['password']}"
    given = json.loads(made({**key, "value": "given-password"})[".dockerconfigjson"])
    assert given["auths"]["r.example"]["password"] == "given-password"
    # A lookup that found nothing is no wish for a random one.
    with pytest.raises(RampartError, match="No value is given"):
        made({**key, "value": ""})


def test_a_value_is_taken_from_a_file_byte_by_byte(tmp_path: Any) -> None:
    path = tmp_path / "value"
    path.write_bytes(b"\x00\xff\nend\n")
    assert made({"name": "v", "generator": "value", "file": str(path)})["v"] == b"\x00\xff\nend\n"
    with pytest.raises(RampartError, match="could not be read"):
        made({"name": "v", "generator": "value", "file": str(tmp_path / "none")})
    with pytest.raises(RampartError, match="No value is given"):
        made({"name": "v", "generator": "value"})


def test_what_the_backend_issues_is_taken_over() -> None:
    definition = define({"name": "user", "generator": "backend"}, backend={"command": {"argv": ["x"]}})
    assert make.make(definition, make.Material(NOW, {"user": b"app_b"})) == {"user": b"app_b"}
    with pytest.raises(RampartError, match="issued nothing"):
        make.make(definition, make.Material(NOW))


def test_names_and_public_halves_are_no_secrets() -> None:
    definition = define(
        {"name": "username", "generator": "constant", "text": "postgres"},
        {"name": "password"},
        {"name": "key", "generator": "key_pair", "public_name": "pub"},
    )
    found = make.make(definition, make.Material(NOW))
    assert sorted(make.confidential(definition, found)) == sorted([found["password"], found["key"]])
