# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._policy.environments import expand, merge

COMMON = {"quota": {"pods": "50", "cpu": "8"}, "labels": {}, "service_accounts": ["deployer"]}


def test_mappings_merge_null_removes_and_the_rest_replaces() -> None:
    merged = merge(COMMON, {"quota": {"pods": "10", "cpu": None}, "service_accounts": ["robot"]})
    assert merged == {"quota": {"pods": "10"}, "labels": {}, "service_accounts": ["robot"]}


def test_merging_leaves_the_common_part_alone() -> None:
    merge(COMMON, {"quota": {"pods": "10"}})
    assert COMMON["quota"] == {"pods": "50", "cpu": "8"}


def test_environments_come_in_full_and_in_order() -> None:
    found = expand({"dev": {"quota": {"pods": "5"}}, "prod": None}, COMMON)
    assert [environment["name"] for environment in found] == ["dev", "prod"]
    assert found[0]["quota"] == {"pods": "5", "cpu": "8"}
    assert found[1]["namespace"] == "prod"


def test_a_parameter_taken_away_is_empty_and_not_missing() -> None:
    found = expand({"dev": {"quota": None, "service_accounts": None}}, COMMON)
    assert found[0]["quota"] == {}
    assert found[0]["service_accounts"] == []


def test_a_namespace_of_its_own_name_is_allowed() -> None:
    assert expand({"dev": {"namespace": "shop-dev"}}, COMMON)[0]["namespace"] == "shop-dev"


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        ({}, "empty"),
        (["dev"], "empty or not a mapping"),
        ({"dev": "small"}, "not a mapping"),
        ({"dev": {"quotas": {}}}, "unknown parameters: quotas"),
        ({"Dev": {}}, "cannot name"),
        ({"d" * 64: {}}, "cannot name"),
        ({"dev": {"namespace": "kube-system"}}, "belongs to Kubernetes"),
        ({"dev": {"namespace": "default"}}, "belongs to Kubernetes"),
        ({"dev": {}, "prod": {"namespace": "dev"}}, "share the namespace"),
    ],
)
def test_a_definition_that_would_not_do_is_refused(tiers: dict[str, object], said: str) -> None:
    with pytest.raises(RampartError, match=said) as caught:
        expand(tiers, COMMON)
    assert caught.value.next_step
