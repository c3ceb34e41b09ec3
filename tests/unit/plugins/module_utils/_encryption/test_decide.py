# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import render
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.decide import Wanted, decide
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.document import read
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    IDENTITY,
    Configuration,
    Entry,
    Key,
    Provider,
    covers,
    entries_of,
    made,
    new_key,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.validation import validate

NOW = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
OLD = Key("old", "b" * 43 + "=")
OLDER = Key("older", "c" * 43 + "=")
NEW = Key("new", "d" * 43 + "=")
LIVE = Configuration((Entry(("secrets", "configmaps"), (Provider("secretbox", (OLD, OLDER)),)),))
KMS = {"apiVersion": "v2", "name": "vault", "endpoint": "unix:///v.sock", "timeout": "3s"}
WITH_KMS = Configuration((Entry(("secrets",), (Provider("kms", kms=KMS),)),))


def wanted(*resources: str, provider: str = "secretbox", plaintext: bool = False) -> Wanted:
    kms = {name: KMS[name] for name in ("name", "endpoint", "timeout")} if provider == "kms" else {}
    return Wanted(resources or ("secrets", "configmaps"), provider, kms, plaintext)


def make() -> Key:
    return NEW


def never() -> Key:
    raise AssertionError("a key was made")


@pytest.mark.parametrize("provider", ["secretbox", "aesgcm", "aescbc"])
def test_a_new_configuration_has_one_key_and_reads_no_plaintext(provider: str) -> None:
    decision = decide(None, wanted(provider=provider), make)
    assert decision.changed
    assert decision.configuration.shown() == [
        {"resources": ["secrets", "configmaps"], "providers": [f"{provider}(new)"]}
    ]


def test_a_new_configuration_for_old_plaintext_has_identity_last() -> None:
    decision = decide(None, wanted(plaintext=True), make)
    assert decision.configuration.entries[0].providers == (Provider("secretbox", (NEW,)), IDENTITY)


def test_a_new_configuration_for_a_key_management_system_makes_no_key() -> None:
    decision = decide(None, wanted("secrets", provider="kms"), never)
    assert decision.configuration == WITH_KMS


@pytest.mark.parametrize("resources", [("secrets",), ("configmaps", "secrets"), ("secrets", "configmaps")])
def test_a_second_run_changes_nothing(resources: tuple[str, ...]) -> None:
    decision = decide(LIVE, wanted(*resources), never)
    assert not decision.changed
    assert decision.configuration == LIVE


def test_added_resources_get_the_key_in_use_and_stay_readable() -> None:
    decision = decide(LIVE, wanted("secrets", "leases.coordination.k8s.io"), never)
    assert decision.changed
    assert decision.configuration.entries[0] == LIVE.entries[0]
    added = decision.configuration.entries[1]
    assert added == Entry(("leases.coordination.k8s.io",), (Provider("secretbox", (OLD, OLDER)), IDENTITY))
    assert "until they are rewritten" in decision.reason
    assert not decide(decision.configuration, wanted("secrets", "leases.coordination.k8s.io"), never).changed


def test_a_resource_that_a_wildcard_covers_is_not_added() -> None:
    live = Configuration((Entry(("*.*",), (Provider("secretbox", (OLD,)),)),))
    assert not decide(live, wanted("secrets", "deployments.apps", "*.apps"), never).changed


def test_an_added_wildcard_comes_after_what_it_would_mask() -> None:
    decision = decide(LIVE, wanted("*.*"), never)
    assert [entry.resources for entry in decision.configuration.entries][-1] == ("*.*",)
    assert validate(read(render(decision.configuration))) == []


def test_added_resources_without_a_provider_to_share_get_a_key_of_their_own() -> None:
    live = Configuration((Entry(("secrets",), (Provider("aesgcm", (OLD,)),)),))
    decision = decide(live, wanted("configmaps"), make)
    assert decision.configuration.entries[1].providers == (Provider("secretbox", (NEW,)), IDENTITY)


@pytest.mark.parametrize("live", [LIVE, Configuration((Entry(("secrets",), (IDENTITY,)),))])
def test_another_provider_is_a_rotation(live: Configuration) -> None:
    with pytest.raises(RampartError, match="rotate instead") as caught:
        decide(live, wanted("secrets", provider="aesgcm"), never)
    assert caught.value.details["resource"] == "secrets"


def test_another_address_of_the_key_management_system_is_a_rotation() -> None:
    other = Wanted(("secrets",), "kms", {**KMS, "endpoint": "unix:///other.sock"})
    with pytest.raises(RampartError, match="rotate instead"):
        decide(WITH_KMS, other, never)


def test_resources_join_a_key_management_system_only_with_plaintext_reading() -> None:
    with pytest.raises(RampartError, match="allow_plaintext_read"):
        decide(WITH_KMS, wanted("secrets", "configmaps", provider="kms"), never)
    decision = decide(WITH_KMS, wanted("secrets", "configmaps", provider="kms", plaintext=True), never)
    assert decision.configuration.entries == (
        Entry(("secrets", "configmaps"), (Provider("kms", kms=KMS), IDENTITY)),
    )


def test_plaintext_reading_is_added_on_request_and_never_taken_away() -> None:
    opened = decide(LIVE, wanted("secrets", plaintext=True), never)
    assert opened.changed
    assert opened.configuration.entries[0].providers == (*LIVE.entries[0].providers, IDENTITY)
    assert not decide(opened.configuration, wanted("secrets"), never).changed
    assert not decide(opened.configuration, wanted("secrets", plaintext=True), never).changed


def test_no_representation_shows_key_material() -> None:
    assert OLD.secret not in repr(LIVE) + str(LIVE.shown()) + str(OLD)


def test_new_keys_differ_in_name_and_bytes() -> None:
    one, two = (new_key(NOW, ()) for _unused in range(2))
    assert re.fullmatch(r"key-20261122-101530-[0-9a-f]{8}", one.name)
    assert one.name != two.name
    assert one.secret != two.secret
    assert len(one.forms()[1]) == 32
    assert made(one.name) == NOW


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("key-20261122-9f3a1c0b", datetime(2026, 11, 22, tzinfo=UTC)),
        ("key-20261399-9f3a1c0b", None),
        ("key-20261122-101530-9f3a1c0b-mine", None),
        ("key1", None),
        ("", None),
    ],
)
def test_the_name_tells_when_a_key_was_made(name: str, expected: datetime | None) -> None:
    assert made(name) == expected


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("*.*", "secrets", True),
        ("*.", "secrets", True),
        ("*.", "deployments.apps", False),
        ("*.apps", "deployments.apps", True),
        ("secrets", "secrets", True),
        ("secrets", "*.", False),
        ("*.example.com", "pandas.bears.example.com", False),
    ],
)
def test_covers(pattern: str, resource: str, expected: bool) -> None:
    assert covers(pattern, resource) is expected


def test_the_exact_name_is_looked_up_before_the_wildcards() -> None:
    exact = Entry(("deployments.apps",), (IDENTITY,))
    group = Entry(("*.apps",), (IDENTITY,))
    everything = Entry(("*.*",), (IDENTITY,))
    live = Configuration((everything, group, exact))
    assert entries_of(live, "deployments.apps") == [exact]
    assert entries_of(live, "daemonsets.apps") == [group]
    assert entries_of(live, "secrets") == [everything]
