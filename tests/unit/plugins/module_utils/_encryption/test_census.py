# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import (
    NAMED_OBJECTS,
    Envelope,
    Tally,
    classify,
    judge,
    percentage,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.registry import Stored, resource_of

SEALED = b"k8s:enc:secretbox:v1:key-1:\x00\x01"


def tally(*pairs: tuple[str, bytes], wanted: tuple[str, ...] = ("secrets",), needle: bytes = b"") -> Tally:
    made = Tally("/registry", wanted, (needle,) if needle else ())
    for key, value in pairs:
        made.add(key.encode(), value)
    return made


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (SEALED, Envelope("secretbox", "v1", "key-1")),
        (b"k8s:enc:kms:v2:vault:\x0a", Envelope("kms", "v2", "vault")),
        (b"k8s:enc:kms:v2:vault:\x0a\x02xy\x12\x03k-1\x1a\x01z", Envelope("kms", "v2", "vault", "k-1")),
        (b"k8s:enc:kms:v2:vault:\x0a\x02xy\x12\x09k-1", Envelope("kms", "v2", "vault")),
        (b"k8s:enc:kms:v2:vault:\x0a\xff\xff\xff", Envelope("kms", "v2", "vault")),
        (b"k8s:enc:aescbc:v1:a b:x", Envelope("aescbc", "v1", "a b")),
        (b"k8s\x00\x0a\x0c", Envelope("plaintext")),
        (b'{"kind":"Secret"}', Envelope("plaintext")),
        (b"", Envelope("plaintext")),
        (b"xk8s:enc:secretbox:v1:key-1:", Envelope("plaintext")),
        (b"k8s:enc:secretbox:v1:", Envelope("unknown")),
        (b"k8s:enc:", Envelope("unknown")),
    ],
)
def test_classify(value: bytes, expected: Envelope) -> None:
    assert classify(value) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("/registry/secrets/default/a", "secrets"),
        ("/registry/deployments/default/a", "deployments.apps"),
        ("/registry/minions/local", "nodes"),
        ("/registry/services/specs/default/a", "services"),
        ("/registry/services/endpoints/default/a", "endpoints"),
        ("/registry/ingress/default/a", "ingresses.networking.k8s.io"),
        ("/registry/cilium.io/ciliumendpoints/default/a", "ciliumendpoints.cilium.io"),
        ("/registry/apiregistration.k8s.io/apiservices/v1.", "apiservices.apiregistration.k8s.io"),
        ("/registry/ranges/serviceips", "ranges"),
        ("/other/secrets/default/a", ""),
        ("compact_rev_key", ""),
    ],
)
def test_resource_of(key: str, expected: str) -> None:
    assert resource_of(key.encode(), "/registry") == expected
    assert resource_of(key.encode(), "/registry/") == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("/registry/secrets/default/a", ("secrets", "default", "a")),
        ("/registry/clusterroles/system:node", ("clusterroles.rbac.authorization.k8s.io", "", "system:node")),
        ("/registry/minions/local", ("nodes", "", "local")),
        ("/registry/services/specs/default/a", ("services", "default", "a")),
        ("/registry/cilium.io/ciliumnodes/local", ("ciliumnodes.cilium.io", "", "local")),
        ("/registry/example.org/widgets/dev/a", ("widgets.example.org", "dev", "a")),
        ("/registry/secrets", ("secrets", "", "")),
    ],
)
def test_the_key_names_the_object(key: str, expected: tuple[str, str, str]) -> None:
    assert Stored.of(key.encode(), "/registry") == expected
    assert Stored.of(b"/other", "/registry") is None


def test_everything_encrypted() -> None:
    live = tally(("/registry/secrets/a/b", SEALED), ("/registry/pods/a/b", b"k8s\0"))
    verdict = judge(live, live)
    assert verdict.verdict == "encrypted"
    assert verdict.complete
    assert [row["wanted"] for row in live.rows()] == [True, False]


def test_one_plain_value_among_many_is_no_100_percent() -> None:
    many = [(f"/registry/secrets/a/{number}", SEALED) for number in range(99999)]
    live = tally(*many, ("/registry/secrets/a/open", b"k8s\0"))
    verdict = judge(live, live)
    assert verdict.verdict == "plaintext"
    assert "/registry/secrets/a/open" in verdict.reason
    assert percentage(live.total(encrypted=True), live.total()) == 99.99


def test_a_value_in_an_unknown_form_is_not_encrypted() -> None:
    assert judge(tally(("/registry/secrets/a/b", b"k8s:enc:x")), tally()).verdict == "plaintext"


def test_nothing_stored_proves_nothing() -> None:
    verdict = judge(tally(("/registry/pods/a/b", b"k8s\0")), tally())
    assert verdict.verdict == "nothing_stored"
    assert not verdict.complete


def test_plaintext_in_the_history_is_no_100_percent() -> None:
    live = tally(("/registry/secrets/a/b", SEALED))
    history = tally(("/registry/secrets/a/b", b"k8s\0"), ("/registry/secrets/a/b", SEALED))
    verdict = judge(live, history)
    assert verdict.verdict == "plaintext_history"
    assert not verdict.complete
    assert "1 older revisions" in verdict.reason


def test_a_canary_is_found_in_values_history_and_files() -> None:
    sealed = tally(("/registry/secrets/a/b", SEALED))
    found = tally(("/registry/pods/a/b", b"..canary.."), needle=b"canary")
    assert judge(found, sealed).verdict == "canary_found"
    assert judge(sealed, found).verdict == "canary_found"
    assert judge(sealed, sealed, ["member/snap/db"]).verdict == "canary_found"


def test_wildcards_and_what_has_no_api() -> None:
    live = tally(
        ("/registry/secrets/a/b", SEALED),
        ("/registry/deployments/a/b", SEALED),
        ("/registry/ranges/serviceips", b"k8s\0"),
        ("/registry/masterleases/10.0.0.1", b"k8s\0"),
        wanted=("*.*",),
    )
    assert judge(live, live).verdict == "encrypted"
    assert tally(("/registry/deployments/a/b", SEALED), wanted=("secrets", "*.apps")).missing() == ["secrets"]


def test_names_are_bounded() -> None:
    live = tally(*((f"/registry/secrets/a/{number}", b"k8s\0") for number in range(5 * NAMED_OBJECTS)))
    assert len(live.open_objects) == NAMED_OBJECTS


@pytest.mark.parametrize(("part", "whole", "expected"), [(0, 0, 0.0), (1, 3, 33.33), (3, 3, 100.0)])
def test_percentage(part: int, whole: int, expected: float) -> None:
    assert percentage(part, whole) == expected
