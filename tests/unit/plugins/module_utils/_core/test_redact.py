# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import MASK, Redactor, fingerprint
from hypothesis import given
from hypothesis import strategies as st

SECRETS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"]), min_size=12, max_size=60)


@given(secret=st.binary(min_size=12, max_size=60), before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_a_secret_is_masked_at_any_offset_of_a_base64_text(
    secret: bytes, before: bytes, after: bytes
) -> None:
    redactor = Redactor([secret])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = redactor.text(encode(before + secret + after).decode())
        assert MASK in text
        # What is left belongs to the neighbours, and to the at most one character on either side in
        # which their bits and the secret's are mixed.
        left = text.replace(MASK, "")
        assert len(left) <= 4 * (len(before) // 3 + len(after) // 3 + 3)


@given(secret=SECRETS)
def test_a_secret_is_masked_in_every_notation(secret: str) -> None:
    redactor = Redactor([secret])
    for shown in (
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        json.dumps(json.dumps(secret)),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        repr(secret),
        secret.encode().hex(),
    ):
        assert MASK in redactor.text(f"before {shown} after")


def test_the_lines_of_a_key_are_masked_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nc2VjcmV0LWxpbmUtb25l\nc2VjcmV0LWxpbmUtdHdv\n-----END KEY-----\n"
    assert "c2VjcmV0LWxpbmUtdHdv" not in Redactor([key]).text("log: c2VjcmV0LWxpbmUtdHdv (cut)")


def test_nested_data_is_masked_in_keys_and_values() -> None:
    redactor = Redactor(["correct-horse"])
    data = {"a correct-horse": ["correct-horse", b"correct-horse", 7, None], "b": ("correct-horse",)}
    assert redactor.data(data) == {f"a {MASK}": [MASK, MASK, 7, None], "b": [MASK]}


def test_a_short_word_does_not_destroy_the_output() -> None:
    assert Redactor(["a"]).text("a banana") == "a banana"


def test_the_longer_secret_is_masked_as_a_whole() -> None:
    assert Redactor(["battery-staple", "correct-battery-staple"]).text("correct-battery-staple") == MASK


def test_a_fingerprint_tells_values_apart_and_needs_the_key() -> None:
    assert fingerprint(b"k", b"one") == fingerprint(b"k", b"one")
    assert fingerprint(b"k", b"one") != fingerprint(b"k", b"two")
    assert fingerprint(b"k", b"one") != fingerprint(b"j", b"one")
    with pytest.raises(ValueError, match="plain hash"):
        fingerprint(b"", b"one")
