# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read as a signed statement, and what is not."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._signing import keyring, statement
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import (
    Statement,
    UnreadableBundleError,
    read_bundle,
)

RECORDED = Path(__file__).parents[4] / "fixtures/signing"


def bundle(**payload: Any) -> bytes:
    said = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": "0" * 64}}],
        "predicateType": "https://example.com/v1",
        "predicate": {"a": 1},
        **payload,
    }
    return wrapped(json.dumps(said).encode())


def wrapped(payload: bytes) -> bytes:
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": statement.PAYLOAD_TYPE,
        "signatures": [{"sig": "AAAA"}],
    }
    return json.dumps(
        {"dsseEnvelope": envelope, "verificationMaterial": {"publicKey": {"hint": ""}}}
    ).encode()


def test_what_cosign_wrote_is_read() -> None:
    found = read_bundle((RECORDED / "bundle.json").read_bytes())
    assert found.statement.predicate_type == statement.SIGNATURE
    assert found.statement.digest.startswith("sha256:e3b0c442")
    key = (RECORDED / "key.pub").read_text()
    assert keyring.hint_id(found.hint) == keyring.key_id(key)


def test_a_statement_survives_its_own_document() -> None:
    said = Statement("sha256:" + "1" * 64, "https://example.com/v1", {"b": 2, "a": [1, "ä"]})
    assert statement.read_statement(said.document()) == said
    assert said.says_the_same(Statement(said.digest, said.predicate_type, {"a": [1, "ä"], "b": 2}))
    assert not said.says_the_same(Statement(said.digest, said.predicate_type, {"b": 3}))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":1,"a":2}', "twice"),
        (b"{}", "not a bundle"),
        (b'{"messageSignature":{}}', "not a bundle"),
        (wrapped(b"{}"), "not an in-toto statement"),
        (wrapped(b'{"predicate":1,"predicate":2}'), "twice"),
        (bundle(subject=[]), "not an in-toto statement"),
        (bundle(subject=[{"digest": {"sha256": "0"}}, {"digest": {"sha256": "1"}}]), "not an in-toto"),
        (bundle(subject=[{"digest": {"sha512": "0"}}]), "not an in-toto statement"),
        (bundle(predicate=[1]), "not an in-toto statement"),
        (bundle(_type="https://example.com/Statement/v1"), "not an in-toto statement"),
    ],
)
def test_what_is_no_signed_statement_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(UnreadableBundleError, match=why):
        read_bundle(raw)


def test_two_signatures_on_one_statement_are_refused() -> None:
    data = json.loads(bundle())
    data["dsseEnvelope"]["signatures"] *= 2
    with pytest.raises(UnreadableBundleError):
        read_bundle(json.dumps(data).encode())
    data["dsseEnvelope"]["signatures"] = [{}]
    data["dsseEnvelope"]["payload"] = "*"
    with pytest.raises(UnreadableBundleError, match="base64"):
        read_bundle(json.dumps(data).encode())


def test_short_names_and_uris_belong_together() -> None:
    assert statement.type_uri("cyclonedx") == "https://cyclonedx.org/bom"
    assert statement.short_name("https://cyclonedx.org/bom") == "cyclonedx"
    assert statement.type_uri("https://example.com/v1") == "https://example.com/v1"
    assert statement.short_name("https://example.com/v1") == "https://example.com/v1"
