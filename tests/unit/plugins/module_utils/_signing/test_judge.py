# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images a policy lets through."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._signing import judge, policy, provenance, statement
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import Key, State
from ansible_collections.rampart.k8s.plugins.module_utils._signing.policy import Constraint, Policy
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import Bundle, Statement

NOW = datetime.datetime(2026, 11, 22, 10, tzinfo=datetime.UTC)
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def key(letter: str, state: State = State.ACTIVE, expires: str = "") -> Key:
    return Key(f"sha256:{letter * 64}", f"public {letter}", "", "", expires, state, "then")


def signed(letter: str, said: Statement, *, hint: bool = True) -> bytes:
    """Make a bundle that this file's verifier takes for signed by a key."""
    claimed = base64.b64encode(bytes.fromhex(letter * 64)).decode() if hint else ""
    envelope = {
        "payload": base64.b64encode(said.document()).decode(),
        "payloadType": statement.PAYLOAD_TYPE,
        "signatures": [{"sig": letter}],
    }
    material = {"publicKey": {"hint": claimed}}
    return json.dumps({"dsseEnvelope": envelope, "verificationMaterial": material}).encode()


def verifier(bundle: Bundle, with_key: Key) -> str:
    letter = json.loads(bundle.raw)["dsseEnvelope"]["signatures"][0]["sig"]
    return "" if with_key.public_key == f"public {letter}" else "invalid signature"


SIGNATURE = Statement(DIGEST, statement.SIGNATURE, {})


def judged(*bundles: bytes, keys: tuple[Key, ...] = (key("a"),), demands: Any = ()) -> judge.Judgement:
    rules = Policy(keys, policy.demands(demands))
    return judge.judge(judge.collect(DIGEST, bundles, rules, verifier, NOW), rules, NOW)


def test_a_signature_by_an_accepted_key_is_enough() -> None:
    for keys in ((key("a"),), (key("b"), key("a", State.ACCEPTED))):
        assert judged(signed("a", SIGNATURE), keys=keys).violations == []
    assert judged(signed("a", SIGNATURE, hint=False), keys=(key("b"), key("a"))).violations == []


@pytest.mark.parametrize(
    ("bundles", "keys", "why"),
    [
        ((), (key("a"),), "it is not signed"),
        ((signed("b", SIGNATURE),), (key("a"),), "unknown key sha256:bbbb"),
        ((signed("a", Statement(OTHER, statement.SIGNATURE, {})),), (key("a"),), "another image"),
        ((signed("a", SIGNATURE),), (key("a", State.RETIRED),), "retired on then"),
        ((signed("a", SIGNATURE),), (key("a", expires="2026-11-22T09:00:00Z"),), "expired on"),
        ((signed("c", SIGNATURE, hint=False),), (key("a"), key("b")), "invalid signature"),
        ((b"{}",), (key("a"),), "not a bundle"),
        ((signed("a", SIGNATURE, hint=False),), (), "no key is accepted"),
    ],
)
def test_what_is_no_signature_is_refused_and_explained(
    bundles: tuple[bytes, ...], keys: tuple[Key, ...], why: str
) -> None:
    (violation,) = judged(*bundles, keys=keys).violations
    assert why in violation


def verdict(**predicate: Any) -> bytes:
    return signed("a", Statement(DIGEST, statement.VERDICT + "image_scan", predicate))


def test_a_demanded_attestation_must_be_there_and_hold() -> None:
    demand = {"type": "verdict:image_scan", "constraints": [{"path": "verdict", "equals": "passed"}]}
    alone = judged(signed("a", SIGNATURE), demands=[demand])
    assert alone.violations == ["it has no verdict:image_scan attestation"]
    good = judged(signed("a", SIGNATURE), verdict(verdict="passed"), demands=[demand])
    assert good.violations == []
    assert [each["type"] for each in good.data()["signatures"]] == ["verdict:image_scan", "signature"]
    bad = judged(signed("a", SIGNATURE), verdict(verdict="failed"), demands=[demand])
    assert "verdict is 'failed'" in bad.violations[0]
    foreign = signed("b", Statement(DIGEST, statement.VERDICT + "image_scan", {"verdict": "passed"}))
    assert "that counts" in judged(signed("a", SIGNATURE), foreign, demands=[demand]).violations[0]


def test_a_verdict_ends_with_the_exception_that_it_rests_on() -> None:
    demand = {"type": "verdict:image_scan", "constraints": [{"path": "verdict", "equals": "passed"}]}
    later = (NOW + datetime.timedelta(seconds=1)).isoformat()
    lasting = judged(signed("a", SIGNATURE), verdict(verdict="passed", until=later), demands=[demand])
    assert lasting.violations == []
    over = judged(signed("a", SIGNATURE), verdict(verdict="passed", until=NOW.isoformat()), demands=[demand])
    assert "rests on an exception that ended" in over.violations[0]
    odd = judged(signed("a", SIGNATURE), verdict(verdict="passed", until="soon"), demands=[demand])
    assert "which is no time" in odd.violations[0]


def test_the_verdicts_of_two_gates_do_not_hide_each_other() -> None:
    demands = [
        {"type": f"verdict:{gate}", "constraints": [{"path": "verdict", "equals": "passed"}]}
        for gate in ("image_scan", "image_sbom")
    ]
    newer = Statement(
        DIGEST,
        statement.type_uri("verdict:image_sbom"),
        {"verdict": "failed", "time": "2026-11-22T00:00:00Z"},
    )
    older = verdict(verdict="passed", time="2026-11-20T00:00:00Z")
    (violation,) = judged(signed("a", SIGNATURE), older, signed("a", newer), demands=demands).violations
    assert "verdict:image_sbom" in violation


def test_an_attestation_without_a_signature_is_not_enough() -> None:
    assert judged(verdict(verdict="passed")).violations == ["it is not signed"]


def test_the_newest_of_several_counts() -> None:
    demand = {"type": "verdict:image_scan", "constraints": [{"path": "verdict", "equals": "passed"}]}
    old = verdict(verdict="passed", time="2026-11-20T00:00:00Z")
    new = verdict(verdict="failed", time="2026-11-21T00:00:00Z")
    undated = verdict(verdict="passed")
    for bundles in ((old, new), (new, old), (new, undated)):
        assert judged(signed("a", SIGNATURE), *bundles, demands=[demand]).violations
    again = verdict(verdict="passed", time="2026-11-22T00:00:00Z")
    assert not judged(signed("a", SIGNATURE), old, new, again, demands=[demand]).violations


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "why"),
    [
        ("equals", "x", "x", ""),
        ("equals", "x", "y", "'y', not equals 'x'"),
        ("one_of", ["x", "y"], "y", ""),
        ("one_of", ["x"], "y", "not one_of"),
        ("at_least", 3, 3, ""),
        ("at_least", 3, 2, "not at_least"),
        ("at_most", 3, 4, "not at_most"),
        ("at_most", 3, "2", "is not a number"),
        ("at_most", 3, True, "is not a number"),
        ("matches", "a.*", "abc", ""),
        ("matches", "a", "abc", "not matches"),
        ("matches", "1", 1, "not matches"),
        ("max_age_hours", 1, "2026-11-22T09:30:00Z", ""),
        ("max_age_hours", 1, "2026-11-22T08:30:00Z", "not max_age_hours"),
        ("max_age_hours", 1, "2026-11-22T11:30:00Z", "in the future"),
        ("max_age_hours", 1, "yesterday", "is not a time"),
        ("max_age_hours", 1, "2026-11-22T09:30:00", "is not a time"),
    ],
)
def test_constraints(operator: str, wanted: Any, value: Any, why: str) -> None:
    failure = Constraint("a.0.b", operator, wanted).failure({"a": [{"b": value}]}, NOW)
    assert why in failure
    assert bool(failure) is bool(why)


@pytest.mark.parametrize("path", ["b", "a.1.b", "a.0.c", "a.x", "a.0.b.c"])
def test_what_is_missing_fulfils_nothing(path: str) -> None:
    assert Constraint(path, "equals", None).failure({"a": [{"b": None}]}, NOW).endswith("is missing")


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([{"type": "spdx"}, {"type": "spdx"}], "demanded twice"),
        ([{"type": "signature"}], "demanded twice"),
        ([{"type": "verdict"}], "no type of attestation"),
        ([{"type": "verdict:"}], "no type of attestation"),
        ([{"type": "cyclonedxx"}], "no type of attestation"),
        ([{"type": "spdx", "constraints": [{"path": "a"}]}], "says nothing"),
        ([{"type": "spdx", "constraints": [{"path": "a", "equals": 1, "at_most": 1}]}], "equals and at_most"),
    ],
)
def test_a_policy_that_says_nothing_clear_is_refused(entries: Any, why: str) -> None:
    with pytest.raises(RampartError, match=why):
        policy.demands(entries)


def test_provenance_names_source_dependencies_and_builder() -> None:
    build = {
        "builder": "https://ci",
        "type": None,
        "source_uri": "git+https://git/x",
        "source_commit": "c0ffee",
        "dependencies": [{"uri": "pkg:docker/debian", "digest": "sha256:12"}],
        "parameters": {"a": "b"},
        "invocation": "7",
        "started": None,
        "finished": "2026-11-22T09:00:00Z",
    }
    made = provenance.predicate(build)
    assert made["buildDefinition"]["resolvedDependencies"] == [
        {"uri": "git+https://git/x", "digest": {"gitCommit": "c0ffee"}},
        {"uri": "pkg:docker/debian", "digest": {"sha256": "12"}},
    ]
    assert made["runDetails"]["builder"] == {"id": "https://ci"}
    assert made["runDetails"]["metadata"] == {"invocationId": "7", "finishedOn": "2026-11-22T09:00:00Z"}
    assert policy.look_up(made, statement.time_path(statement.type_uri("provenance"))).startswith("2026")
