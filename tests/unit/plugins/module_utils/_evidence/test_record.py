# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import canonical, retention
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import LONGEST, Record, Subject

MakeRecord = Callable[..., Record]
DIGEST = canonical.digest({})


def test_a_record_gets_its_time_and_the_class_of_its_gate(record: MakeRecord) -> None:
    made = record(time="").complete()
    assert made.retention == "security_7y"
    assert made.time.endswith("Z")
    assert record(gate="access_verify").complete().retention == "audit_10y"
    assert record(gate="quota_check").complete().retention == "operations_2y"
    assert record(gate="quota_check", retention="audit_10y").complete().retention == "audit_10y"


def test_a_record_survives_being_written_and_read(record: MakeRecord) -> None:
    made = record(
        databases={"grype": {"version": "6.0.1", "built": "2026-11-20T00:00:00Z"}},
        policy=DIGEST,
        exceptions=["CVE-2025-0001"],
        play={"playbook": "site.yml"},
    ).complete()
    again = Record.of(made.as_data())
    assert again.as_data() == made.as_data()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gate": "Network Verify"}, "its gate has not the form"),
        ({"subject": Subject("cluster", "local", "sha256:abc")}, "the digest of its subject"),
        ({"subject": Subject("cluster", "two\nlines", DIGEST)}, "cannot be printed"),
        ({"subject": Subject("cluster", "x" * (LONGEST + 1), DIGEST)}, "is longer than"),
        ({"verdict": "perhaps"}, "its verdict"),
        ({"tools": {"grype": ""}}, "the version of grype"),
        ({"databases": {"grype": {"version": "1", "url": "x"}}}, "more than a version and a time"),
        ({"policy": "strict"}, "the digest of its policy"),
        ({"exceptions": "CVE-2025-0001"}, "no list"),
        ({"summary": {"share": 0.5}}, "share in the summary is no text"),
        ({"summary": {"objects": {"a": {"b": 1}}}}, "is no text"),
        ({"summary": {"a key with spaces": 1}}, "a key of the summary"),
        ({"summary": {str(number): 1 for number in range(300)}}, "at most"),
        ({"summary": {f"k{number}": "x" * LONGEST for number in range(100)}}, "bytes, more than"),
        ({"summary": {"count": 2**60}}, "too large for an exact number"),
        ({"play": {"password": "x"}}, "its play has more than"),
        ({"time": "yesterday"}, "its time"),
        ({"retention": "forever"}, "its retention class"),
    ],
)
def test_what_is_no_evidence_is_refused(record: MakeRecord, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RampartError, match=said):
        record(**changes).complete()


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN PRIVATE KEY-----",
        "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2ln",
        "https://bob:hunter2hunter2@registry.example.com",
        "AKIAIOSFODNN7EXAMPLE",
        "Authorization: Bearer 0123456789abcdef0123",
    ],
)
def test_what_looks_like_a_credential_is_refused_and_not_repeated(record: MakeRecord, secret: str) -> None:
    with pytest.raises(RampartError, match="looks like a credential") as caught:
        record(summary={"found": [secret]}).complete()
    assert secret not in str(caught.value)


def test_a_value_of_another_form_is_not_repeated(record: MakeRecord) -> None:
    with pytest.raises(RampartError) as caught:
        record(policy="s3cret-value").complete()
    assert "s3cret-value" not in str(caught.value)


def test_canonical_json_is_sorted_and_tight_and_keeps_characters() -> None:
    assert canonical.canonical({"b": [True, 1], "a": "ä\n"}) == '{"a":"ä\\n","b":[true,1]}'.encode()


@pytest.mark.parametrize("data", [{"a": 1.0}, {"a": None}, {1: "a"}, {"ä": 1}, [2**53]])
def test_what_has_no_canonical_spelling_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"spelling|ASCII|exact"):
        canonical.canonical(data)


def test_a_class_ends_its_years_after_the_year_of_its_records() -> None:
    assert retention.end_of("operations_2y", 2026).isoformat() == "2029-01-01T00:00:00+00:00"
