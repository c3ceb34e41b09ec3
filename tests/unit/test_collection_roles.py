# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A role's defaults, its argument specification and its names say the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.collection import ROOT, load, playbooks, roles


def defaults(role: str) -> dict[str, Any]:
    path = ROOT / f"roles/{role}/defaults/main.yml"
    return (load(path) or {}) if path.exists() else {}


def options(role: str) -> dict[str, Any]:
    """Collect the options of every entry point; one that stands in several must say the same."""
    found: dict[str, Any] = {}
    for point in load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"].values():
        for name, option in (point.get("options") or {}).items():
            assert found.setdefault(name, option) == option, f"{name} differs between two entry points"
    return found


@pytest.mark.parametrize("role", roles())
def test_every_default_is_specified(role: str) -> None:
    assert sorted(defaults(role).keys() - options(role).keys()) == []


@pytest.mark.parametrize("role", roles())
def test_every_option_with_a_default_stands_in_the_defaults(role: str) -> None:
    """An option that stands there not is required, or may be left out."""
    assert [
        name for name, option in options(role).items() if "default" in option and name not in defaults(role)
    ] == []


@pytest.mark.parametrize("role", roles())
def test_the_default_values_are_equal(role: str) -> None:
    specified = {name: option["default"] for name, option in options(role).items() if "default" in option}
    given = {name: value for name, value in defaults(role).items() if name in specified}
    assert specified == given


@pytest.mark.parametrize("role", roles())
def test_a_plain_default_is_told_to_the_reader(role: str) -> None:
    """Only a value that is computed, or long, may be left to the defaults file."""
    untold = [
        name
        for name, value in defaults(role).items()
        if isinstance(value, bool | int | str)
        and "{{" not in str(value)
        and name in options(role)
        and "default" not in options(role)[name]
    ]
    assert untold == []


@pytest.mark.parametrize("role", roles())
def test_every_variable_carries_the_name_of_its_role(role: str) -> None:
    assert [name for name in defaults(role) if not name.startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", roles())
def test_every_role_describes_itself(role: str) -> None:
    points = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]
    assert all(point.get("short_description") and point.get("version_added") for point in points.values())
    galaxy = load(f"roles/{role}/meta/main.yml")["galaxy_info"]
    assert galaxy["license"] == "GPL-3.0-or-later"
    assert galaxy["min_ansible_version"] == "2.19"


def test_site_is_the_list_of_stages_in_order() -> None:
    stages = [entry["ansible.builtin.import_playbook"] for entry in load("playbooks/site.yml")]
    assert stages == [
        "preflight.yml",
        "tools.yml",
        "cluster.yml",
        "environments.yml",
        "platform.yml",
        "secrets.yml",
        "pipeline.yml",
        "verify.yml",
        "compliance.yml",
        "report.yml",
    ]


@pytest.mark.parametrize("playbook", playbooks())
def test_no_play_gathers_facts_by_accident(playbook: str) -> None:
    plays = [play for play in load(playbook) if "hosts" in play]
    assert [play.get("name") for play in plays if play.get("gather_facts") is not False] == []
