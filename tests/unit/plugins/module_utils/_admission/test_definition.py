# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the definition says, and what it may not say."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._admission import definition, samples
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.tests.support.admission import (
    PROBE_IMAGE,
    admission,
    environments,
    policies,
)

POLICY: dict[str, Any] = {
    "name": "some-policy",
    "title": "Something holds",
    "category": "Test",
    "rules": [{"containers": "has(c.image)", "message": "must have an image"}],
    "refused": [{"container": {"image": None}}],
}


def environment(**admission_parameters: Any) -> definition.Environment:
    return definition.environment_of({"name": "prod", "namespace": "prod", "admission": admission_parameters})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "X"}, "its name is none"),
        ({"sverity": "high"}, "nothing is known of sverity"),
        ({"severity": "deadly"}, "its severity is 'deadly'"),
        ({"kind": "services"}, "its kind is 'services'"),
        ({"level": "strict"}, "its level is 'strict'"),
        ({"compares": "status"}, "its compares is 'status'"),
        ({"rules": []}, "it has no rule"),
        ({"refused": []}, "nothing that it refuses"),
        ({"rules": [{"message": "x"}]}, "not one expression"),
        ({"rules": [{"containers": "a", "object": "b", "message": "x"}]}, "not one expression"),
    ],
)
def test_what_is_not_known_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(RampartError, match=why):
        definition.read([{**POLICY, **change}])


def test_a_name_stands_once() -> None:
    with pytest.raises(RampartError, match="stands there twice"):
        definition.read([POLICY, POLICY])


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"acton": "Deny"}, "unknown keys: acton"),
        ({"action": "Audit"}, "says 'Audit'"),
        ({"failure_policy": "Open"}, "'Open'"),
        ({"parameters": {"registries": ["registry.example.com"]}}, "with a slash"),
    ],
)
def test_an_environment_says_what_is_known(parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(RampartError, match=why):
        environment(**parameters)


def test_a_policy_holds_where_its_level_does_and_where_it_is_not_omitted() -> None:
    found = definition.read(
        [{**POLICY, "level": "restricted"}, {**POLICY, "name": "other-policy", "level": "baseline"}]
    )

    def names(level: str, *omit: str) -> list[str]:
        entry = {"name": "e", "namespace": "e", "pod_security": {"level": level}, "admission": {"omit": omit}}
        return [each.policy.name for each in definition.guards(found, definition.environment_of(entry))]

    assert names("restricted") == ["some-policy", "other-policy"]
    assert names("baseline") == ["other-policy"]
    assert names("privileged") == []
    assert names("restricted", "other-policy") == ["some-policy"]
    with pytest.raises(RampartError, match="omits policies that do not exist: third"):
        names("restricted", "third")


def test_a_parameter_that_a_policy_reads_must_be_there() -> None:
    found = definition.read([{**POLICY, "parameters": ["wanted"]}])
    with pytest.raises(RampartError, match="lacks parameters of the policy some-policy: wanted"):
        definition.guards(found, environment())
    [guard] = definition.guards(found, environment(parameters={"wanted": 1, "else": 2}))
    assert guard.parameters == {"wanted": 1}
    assert guard.name == "rampart-prod-some-policy"


def test_the_definition_of_the_role_is_whole() -> None:
    """Each environment of the role environments gives each policy what it reads."""
    found = admission()
    assert {one.name for one in found.environments} == {"dev", "staging", "prod"}
    names = {name: {guard.policy.name for guard in found.guards if guard.environment.name == name}
             for name in ("dev", "prod")}  # fmt: skip
    assert names["prod"] - names["dev"] == {"image-digests"}
    assert len(names["prod"]) == len(policies())
    assert all(PROBE_IMAGE in one.parameters["images"] for one in found.environments)
    assert {one["name"]: one["admission"]["failure_policy"] for one in environments()} == {
        "dev": "Ignore",
        "staging": "Fail",
        "prod": "Fail",
    }


def test_every_sample_differs_from_the_harmless_one() -> None:
    for guard in admission().guards:
        tried = samples.samples(guard)
        harmless, *others = tried
        assert not harmless.refused
        assert any(each.refused for each in others)
        bodies = [each.object for each in others if each.refused]
        assert all(body != harmless.object for body in bodies), guard.policy.name
        assert all(bodies.count(body) == 1 for body in bodies), guard.policy.name


def test_a_merge_takes_away_what_is_null() -> None:
    assert samples.merge({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": None}, "e": [1]}) == {
        "b": {"d": 3},
        "e": [1],
    }
