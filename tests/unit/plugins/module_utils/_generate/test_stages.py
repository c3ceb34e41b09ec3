# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is signed or shown in one stage is accepted by what others hold in that stage and the next."""

from __future__ import annotations

import datetime
import itertools
import json

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate import certificates, key_sets
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import (
    Fate,
    Stage,
    content_at,
    value_at,
)
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import Authority

ORDER = tuple(Stage)


def kids(content: bytes) -> list[str]:
    return [key["kid"] for key in json.loads(content)["keys"]]


def test_a_plain_value_changes_once() -> None:
    assert [value_at(Fate.PLAIN, stage, b"o", b"n", "") for stage in ORDER] == [b"o", b"n", b"n", b"n"]


def test_a_value_that_waits_changes_when_the_others_know_it() -> None:
    assert [value_at(Fate.WAITS, stage, b"o", b"n", "") for stage in ORDER] == [b"o", b"o", b"n", b"n"]


def test_a_signer_never_signs_with_what_a_verifier_of_the_same_or_the_next_stage_does_not_know() -> None:
    old, new = key_sets.make("EdDSA"), key_sets.make("EdDSA")
    signers = {stage: value_at(Fate.WAITS, stage, old, new, "") for stage in ORDER}
    verifiers = {
        stage: value_at(Fate.KEY_SET, stage, key_sets.public(old, ""), key_sets.public(new, ""), "")
        for stage in ORDER
    }
    # RETIRE comes after a time of grace: nobody signs with the old one any more by then.
    for one, other in [*zip(ORDER, ORDER, strict=True), *itertools.pairwise(ORDER[:3])]:
        assert kids(signers[one])[0] in kids(verifiers[other])
        assert kids(signers[other])[0] in kids(verifiers[one])
    assert kids(verifiers[Stage.RETIRE]) == kids(new)


def test_a_shared_set_signs_with_the_new_key_only_when_all_know_it() -> None:
    old, new = key_sets.make("HS256"), key_sets.make("HS256")
    found = [kids(value_at(Fate.SHARED_SET, stage, old, new, "")) for stage in ORDER]
    first, second = kids(old)[0], kids(new)[0]
    assert found == [[first], [first, second], [second, first], [second]]


def test_a_bundle_trusts_both_authorities_once_each() -> None:
    now = datetime.datetime.now(tz=datetime.UTC)
    old, new = (
        certificates.make_authority(Authority("a", name, 10), "ec-p256", now)["ca.crt"]
        for name in ("one", "two")
    )
    found = value_at(Fate.BUNDLE, Stage.INTRODUCE, old, new, "")
    assert found.count(b"BEGIN CERTIFICATE") == 2
    assert certificates.united(found, new) == found


def test_entries_that_nobody_declared_stay() -> None:
    found = content_at({"a": Fate.PLAIN}, Stage.RETIRE, {"a": b"1", "note": b"x"}, {"a": b"2"}, "")
    assert found == {"a": b"2", "note": b"x"}


def test_a_new_entry_is_there_from_the_first_stage_on() -> None:
    found = content_at({"b": Fate.WAITS}, Stage.INTRODUCE, {"a": b"1"}, {"b": b"2"}, "")
    assert found == {"a": b"1", "b": b"2"}


def test_what_is_no_key_set_is_refused_without_being_shown() -> None:
    with pytest.raises(RampartError, match="no set of JSON Web Keys") as caught:
        value_at(Fate.KEY_SET, Stage.INTRODUCE, b"correct-horse", key_sets.make("HS256"), "x of dev/s")
    assert "correct-horse" not in str(caught.value)
