# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._preflight import variables

ROLES = {"cluster": frozenset({"cluster_driver", "cluster_name"}), "tools": frozenset({"tools_mirror"})}


def test_a_misspelt_name_is_found_with_the_one_that_is_meant() -> None:
    assert variables.unknown(["cluster_drvier"], ROLES, []) == {"cluster_drvier": "cluster_driver"}


def test_a_name_like_nothing_we_know_has_no_suggestion() -> None:
    assert variables.unknown(["tools_zzzzzzzzzzzzzzzz"], ROLES, []) == {"tools_zzzzzzzzzzzzzzzz": ""}


@pytest.mark.parametrize(
    "name", ["cluster_driver", "expect_cluster_uid", "rampart_environments", "my_cluster_name"]
)
def test_known_and_foreign_names_pass(name: str) -> None:
    assert variables.unknown([name], ROLES, []) == {}


def test_a_listed_foreign_name_passes() -> None:
    assert variables.unknown(["tools_of_the_trade"], ROLES, ["tools_of_the_trade"]) == {}


def test_shared_prefixes_are_judged_too() -> None:
    assert variables.unknown(["expect_cluster_uuid"], ROLES, []) == {
        "expect_cluster_uuid": "expect_cluster_uid"
    }


def write_spec(folder: Path, text: str) -> None:
    path = folder / "cluster" / "meta" / "argument_specs.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_every_entry_point_declares(tmp_path: Path) -> None:
    write_spec(
        tmp_path,
        "argument_specs: {main: {options: {cluster_name: {}}}, stop: {options: {x: {}}}, bare: {}}",
    )
    assert variables.declared(tmp_path) == {"cluster": frozenset({"cluster_name", "x"})}


@pytest.mark.parametrize("text", ["", "argument_specs: [", "argument_specs: 3", "other: {}"])
def test_an_unreadable_specification_fails_by_name(tmp_path: Path, text: str) -> None:
    write_spec(tmp_path, text)
    with pytest.raises(RampartError, match="argument_specs"):
        variables.declared(tmp_path)


def test_no_role_at_all_is_a_broken_install(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="install the whole collection"):
        variables.declared(tmp_path)


def test_without_the_yaml_library_the_interpreter_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variables, "HAS_YAML", False)
    with pytest.raises(RampartError, match="PyYAML is not installed for"):
        variables.declared(tmp_path)
