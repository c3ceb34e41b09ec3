# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import transitions
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import Envelope
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import render
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.document import read
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    IDENTITY,
    Configuration,
    Entry,
    Key,
    Provider,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotation import (
    Decision,
    Step,
    Writes,
    decide,
    forecast,
    staleness,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.transitions import Target
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.validation import validate
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest_of_bytes

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
KMS = {"apiVersion": "v2", "name": "vault", "endpoint": "unix:///v.sock", "timeout": "3s"}


def key(name: str) -> Key:
    return Key(name, "a" * 43 + "=")


OLD = key("key-20260801-101530-00000001")
NEW = key("key-20261122-120000-00000002")
HAND = key("by-hand")

TARGET = Target("secretbox", max_age=timedelta(days=90))
TO_KMS = Target("kms", KMS)


def entry(*providers: Provider, resources: tuple[str, ...] = ("secrets", "configmaps")) -> Entry:
    return Entry(resources, providers)


def one(*providers: Provider) -> Configuration:
    return Configuration((entry(*providers),))


def box(*keys: Key) -> Provider:
    return Provider("secretbox", keys)


def make(_least: datetime | None) -> Key:
    return NEW


def step(
    configuration: Configuration,
    target: Target = TARGET,
    *,
    stale: Mapping[str, int] | None = None,
    writes: Mapping[str, Writes] | None = None,
) -> Decision | None:
    return decide(configuration, target, now=NOW, writes=writes or {}, stale=lambda: stale or {})


def test_a_key_goes_its_way_and_every_stage_is_one_that_the_api_server_takes() -> None:
    stages = [one(box(OLD))]
    assert step(stages[0]) == Decision(Step.ADD, (0,), f"{OLD.name} is 113 days old")
    stages.append(transitions.add(stages[0], TARGET, (0,), make))
    assert stages[1] == one(box(OLD, NEW))
    assert step(stages[1], stale={"secrets": 3}) == Decision(
        Step.PROMOTE, (0,), f"secretbox({NEW.name}) can be read everywhere"
    )
    stages.append(transitions.promote(stages[1], TARGET))
    assert stages[2] == one(box(NEW, OLD))
    assert step(stages[2], stale={"secrets": 3}) == Decision(
        Step.REWRITE, (0,), "3 secrets are not under the key of new values"
    )
    assert step(stages[2]) == Decision(Step.RETIRE, (0,), f"no value needs secretbox({OLD.name}) any more")
    stages.append(transitions.retire(stages[2], TARGET, (0,)))
    assert stages[3] == one(box(NEW))
    assert step(stages[3]) is None
    for stage in stages:
        assert validate(read(render(stage))) == []


@pytest.mark.parametrize(
    ("configuration", "target", "reason"),
    [
        (one(box(OLD)), TARGET, "is 113 days old"),
        (one(box(HAND)), TARGET, "nobody can tell how old by-hand is"),
        (one(box(NEW)), TARGET, ""),
        (one(box(OLD)), Target("secretbox"), ""),
        (one(box(HAND)), Target("secretbox"), ""),
        (one(box(NEW)), Target("secretbox", made_before=NOW + timedelta(seconds=1)), "as was asked"),
        (one(box(NEW)), Target("secretbox", made_before=NOW), ""),
        (one(box(HAND)), Target("secretbox", made_before=NOW), "may be older"),
        (one(Provider("aescbc", (NEW,))), TARGET, "aescbc is to become secretbox"),
        (one(IDENTITY), Target("secretbox", resources=("secrets",)), "it is stored in plain text"),
        (one(Provider("kms", kms=KMS)), TO_KMS, ""),
        (one(box(NEW)), TO_KMS, "secretbox is to become kms"),
        (one(Provider("kms", kms={**KMS, "name": "other"})), TO_KMS, "the KMS other is to become vault"),
    ],
)
def test_what_is_due_and_why(configuration: Configuration, target: Target, reason: str) -> None:
    found = step(configuration, target)
    if reason:
        assert found is not None
        assert found.step is Step.ADD
        assert reason in found.reason
    else:
        assert found is None


@pytest.mark.parametrize(
    ("writes", "due"),
    [(Writes(199_999, True), False), (Writes(200_000, True), True), (Writes(200_000, False), True)],
)
def test_a_key_may_encrypt_so_often(writes: Writes, due: bool) -> None:
    configuration = one(Provider("aesgcm", (NEW,)))
    target = Target("aesgcm", max_writes={"aesgcm": 200_000})
    found = step(configuration, target, writes={NEW.name: writes})
    assert (found is not None) is due
    if found:
        assert ("up to " in found.reason) is not writes.exact


def test_a_provider_is_changed_in_the_same_steps() -> None:
    cbc = Provider("aescbc", (HAND, OLD))
    added = transitions.add(one(cbc, IDENTITY), TARGET, (0,), make)
    assert added == one(Provider("aescbc", (HAND,)), box(NEW), Provider("aescbc", (OLD,)), IDENTITY)
    assert validate(read(render(added))) == []
    promoted = transitions.promote(added, TARGET)
    assert promoted == one(box(NEW), cbc, IDENTITY)
    found = step(promoted)
    assert found is not None
    assert found.step is Step.RETIRE
    assert "aescbc(by-hand), aescbc(key-20260801-101530-00000001), plaintext" in found.reason
    assert transitions.retire(promoted, TARGET, (0,)) == one(box(NEW))
    assert transitions.retire(promoted, Target("secretbox", keep_plaintext=True), (0,)) == one(
        box(NEW), IDENTITY
    )


def test_plain_text_becomes_encrypted_in_the_same_steps() -> None:
    target = Target("secretbox", resources=("secrets",))
    added = transitions.add(one(IDENTITY), target, (0,), make)
    assert added == one(IDENTITY, box(NEW))
    assert transitions.promote(added, target) == one(box(NEW), IDENTITY)


def test_a_reader_of_plain_text_does_not_hold_up_a_new_key() -> None:
    found = step(one(box(OLD), IDENTITY))
    assert found is not None
    assert found.step is Step.ADD
    found = step(one(box(NEW), IDENTITY), stale={"secrets": 1})
    assert found is not None
    assert found.step is Step.REWRITE
    assert step(one(box(NEW), IDENTITY), Target("secretbox", keep_plaintext=True)) is None


def test_an_exemption_stays_one() -> None:
    exempt = Entry(("events",), (IDENTITY,))
    configuration = Configuration((exempt, Entry(("*.*",), (box(OLD),))))
    found = step(configuration)
    assert found is not None
    assert found.entries == (1,)
    added = transitions.add(configuration, TARGET, found.entries, make)
    assert transitions.promote(added, TARGET).entries[0] == exempt
    stale = staleness(configuration, TARGET, {})
    assert not stale("events", Envelope("plaintext"))
    assert stale("secrets", Envelope("plaintext"))


def test_entries_of_one_key_get_one_new_key_and_others_their_own() -> None:
    made: list[Key] = []

    def fresh(_least: datetime | None) -> Key:
        made.append(key(f"key-20261122-12000{len(made)}-0000000{len(made)}"))
        return made[-1]

    configuration = Configuration(
        (
            entry(box(OLD), resources=("secrets",)),
            entry(box(HAND), resources=("configmaps",)),
            entry(box(OLD), IDENTITY, resources=("leases.coordination.k8s.io",)),
        )
    )
    added = transitions.add(configuration, TARGET, (0, 1, 2), fresh)
    assert len(made) == 2
    assert [item.mark.key for item in transitions.promote(added, TARGET).entries] == [
        made[0].name,
        made[1].name,
        made[0].name,
    ]


def test_an_entry_that_came_in_the_middle_joins() -> None:
    configuration = Configuration(
        (entry(box(OLD, NEW)), entry(box(OLD), IDENTITY, resources=("leases.coordination.k8s.io",)))
    )
    found = step(configuration)
    assert found is not None
    assert (found.step, found.entries) == (Step.ADD, (1,))

    def never(_least: datetime | None) -> Key:
        raise AssertionError("a second key was made")

    added = transitions.add(configuration, TARGET, found.entries, never)
    assert added.entries[1] == Entry(("leases.coordination.k8s.io",), (box(OLD, NEW), IDENTITY))


def test_a_kms_can_stand_in_one_entry_only_so_entries_are_joined() -> None:
    configuration = Configuration(
        (
            Entry(("events",), (IDENTITY,)),
            entry(box(OLD), resources=("secrets",)),
            entry(box(OLD), IDENTITY, resources=("configmaps",)),
        )
    )
    added = transitions.add(configuration, TO_KMS, (1, 2), make)
    assert added.shown() == [
        {"resources": ["events"], "providers": ["identity"]},
        {
            "resources": ["secrets", "configmaps"],
            "providers": [f"secretbox({OLD.name})", "kms(vault)", "identity"],
        },
    ]
    assert validate(read(render(added))) == []
    apart = Configuration((configuration.entries[1], entry(box(HAND), resources=("configmaps",))))
    with pytest.raises(RampartError, match="different keys"):
        transitions.add(apart, TO_KMS, (0, 1), make)


def test_a_kms_with_other_settings_needs_another_name() -> None:
    other = one(Provider("kms", kms={**KMS, "endpoint": "unix:///other.sock"}))
    with pytest.raises(RampartError, match="other settings"):
        step(other, TO_KMS)


def test_values_under_an_older_key_of_the_kms_are_stale() -> None:
    current = {"vault": digest_of_bytes(b"k-2")}
    stale = staleness(one(Provider("kms", kms=KMS)), TO_KMS, current)
    assert stale("secrets", Envelope("kms", "v2", "vault", "k-1"))
    assert not stale("secrets", Envelope("kms", "v2", "vault", "k-2"))
    assert stale("secrets", Envelope("kms", "v2", "other", "k-2"))
    assert not stale("pods", Envelope("plaintext"))
    unknown = staleness(one(Provider("kms", kms=KMS)), TO_KMS, {})
    assert not unknown("secrets", Envelope("kms", "v2", "vault", "k-1"))


def test_what_no_server_can_read_is_taken_out_again() -> None:
    assert transitions.withdraw(one(box(OLD, NEW)), TARGET) == one(box(OLD))
    assert transitions.withdraw(one(box(NEW, OLD)), TARGET) == one(box(NEW, OLD))
    with_kms = transitions.add(one(box(OLD)), TO_KMS, (0,), make)
    assert transitions.withdraw(with_kms, TO_KMS) == one(box(OLD))


def test_a_clock_that_was_set_back_makes_no_endless_row_of_keys() -> None:
    """The key that is made is told how new it has to be at least."""
    asked: list[datetime | None] = []

    def fresh(least: datetime | None) -> Key:
        asked.append(least)
        return key("key-20261122-130001-00000003")

    late = key("key-20261122-130000-00000002")
    added = transitions.add(one(box(late)), TARGET, (0,), fresh)
    found = step(added, TARGET)
    assert found is not None
    assert found.step is Step.PROMOTE
    incident = Target("secretbox", made_before=NOW + timedelta(hours=2))
    transitions.add(one(box(late)), incident, (0,), fresh)
    transitions.add(one(IDENTITY), Target("secretbox", resources=("secrets",)), (0,), fresh)
    assert asked == [NOW + timedelta(hours=1, seconds=1), NOW + timedelta(hours=2), None]


@pytest.mark.parametrize(
    ("configuration", "target", "said"),
    [
        (
            one(box(OLD)),
            Target("secretbox", resources=("pods",)),
            "No entry of the configuration covers pods",
        ),
        (one(IDENTITY), TARGET, "encrypts anything"),
    ],
)
def test_what_cannot_be_rotated_is_said(configuration: Configuration, target: Target, said: str) -> None:
    with pytest.raises(RampartError, match=said) as caught:
        step(configuration, target)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("decided", "leaves", "expected"),
    [
        (None, False, []),
        (Step.ADD, True, ["add", "promote", "rewrite", "retire"]),
        (Step.PROMOTE, True, ["promote", "rewrite", "retire"]),
        (Step.REWRITE, True, ["rewrite", "retire"]),
        (Step.REWRITE, False, ["rewrite"]),
        (Step.RETIRE, True, ["retire"]),
    ],
)
def test_check_mode_tells_what_is_left(decided: Step | None, leaves: bool, expected: list[Any]) -> None:
    decision = Decision(decided, (0,), "") if decided else None
    assert forecast(decision, leaves=leaves) == expected


def test_the_end_can_be_seen_from_everywhere_without_a_key_being_made() -> None:
    assert transitions.outlook(one(box(OLD)), TARGET, (0,)).shown()[0]["providers"] == [
        "secretbox(a new key)"
    ]
    for stage in (one(box(OLD, NEW)), one(box(NEW, OLD), IDENTITY), one(box(NEW))):
        assert transitions.outlook(stage, TARGET, ()) == one(box(NEW))
    assert transitions.outlook(one(box(OLD)), TO_KMS, (0,)).shown()[0]["providers"] == ["kms(vault)"]
