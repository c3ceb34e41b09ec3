# SPDX-License-Identifier: GPL-3.0-or-later
"""Only a token of a mounted key, for this audience, from this issuer, and not expired, is accepted."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable

import jwt
import pytest
from backend.tokens import RefusedError, Tokens
from kit.mounted import MountError
from props import AUDIENCE, ISSUER, Issuer, Mount, key_set

Pair = tuple[Issuer, Issuer]


@pytest.fixture
def tokens(mount: Mount, issuers: Pair) -> Tokens:
    mount.write(jwks_json=key_set(issuers[0]))
    return Tokens(mount.folder, ISSUER, AUDIENCE)


def test_a_good_token_says_who_asks(tokens: Tokens, issuers: Pair) -> None:
    found = tokens.caller(issuers[0].sign(scope="read write"))
    assert found.subject == "alice"
    assert found.scopes == {"read", "write"}


def none_at_all(issuer: Issuer) -> str:
    parts = [{"alg": "none", "kid": issuer.kid}, {"sub": "alice", "iss": ISSUER, "aud": AUDIENCE}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return f"{encoded[0]}.{encoded[1]}."


def by_the_public_key(issuer: Issuer) -> str:
    """The key that everybody knows, used as a password."""
    number = issuer.public()["n"]
    claims = {"sub": "alice", "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60, "iat": time.time()}
    return jwt.encode(claims, number, algorithm="HS256", headers={"kid": issuer.kid})


@pytest.mark.parametrize(
    "make",
    [
        lambda one, two: two.sign(),
        lambda one, two: two.sign({"kid": one.kid}),
        lambda one, two: one.sign({"kid": None}),
        lambda one, two: one.sign(exp=int(time.time()) - 60),
        lambda one, two: one.sign(exp=None),
        lambda one, two: one.sign(nbf=int(time.time()) + 600),
        lambda one, two: one.sign(aud="another"),
        lambda one, two: one.sign(aud=None),
        lambda one, two: one.sign(iss="https://another.test"),
        lambda one, two: one.sign(sub=None),
        lambda one, two: none_at_all(one),
        lambda one, two: by_the_public_key(one),
        lambda one, two: one.sign()[:-4] + "AAAA",
        lambda one, two: "not a token",
        lambda one, two: "",
        lambda one, two: one.sign(scope="x" * 9000),
    ],
    ids=[
        "unknown key",
        "foreign key under a known name",
        "no key named",
        "expired",
        "without an end",
        "not yet valid",
        "another audience",
        "no audience",
        "another issuer",
        "nobody",
        "no signature",
        "public key as a password",
        "another signature",
        "no token",
        "nothing",
        "too long",
    ],
)  # fmt: skip
def test_whatever_else_is_refused(
    tokens: Tokens, issuers: Pair, make: Callable[[Issuer, Issuer], str]
) -> None:
    with pytest.raises(RefusedError):
        tokens.caller(make(*issuers))


def test_keys_rotate_by_their_identity(tokens: Tokens, mount: Mount, issuers: Pair) -> None:
    one, two = issuers
    mount.write(jwks_json=key_set(one, two))
    assert tokens.caller(one.sign()).subject == tokens.caller(two.sign()).subject
    mount.write(jwks_json=key_set(two))
    assert tokens.caller(two.sign()).subject == "alice"
    with pytest.raises(RefusedError, match="unknown key"):
        tokens.caller(one.sign())


def test_a_private_key_where_a_public_one_belongs_is_no_use(mount: Mount, issuers: Pair) -> None:
    mount.write(jwks_json=json.dumps({"keys": [issuers[0].private()]}))
    with pytest.raises(MountError):
        Tokens(mount.folder, ISSUER, AUDIENCE).load()


@pytest.mark.parametrize("content", ['{"keys": []}', "{", '{"keys": [{"kty": "EC", "kid": "x"}]}'])
def test_a_set_without_a_key_is_no_use(mount: Mount, content: str) -> None:
    mount.write(jwks_json=content)
    with pytest.raises(MountError):
        Tokens(mount.folder, ISSUER, AUDIENCE).load()
