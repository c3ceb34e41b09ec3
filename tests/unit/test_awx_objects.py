# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects for AWX: whole, and nothing that the modules of awx.awx would refuse."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import ansible_collections
import pytest
import yaml

from tests.support import awx
from tests.unit.collection import load

KINDS = {
    "organization": "aap_organizations",
    "team": "aap_teams",
    "credential_type": "controller_credential_types",
    "credential": "controller_credentials",
    "execution_environment": "controller_execution_environments",
    "notification_template": "controller_notifications",
    "project": "controller_projects",
    "inventory": "controller_inventories",
    "inventory_source": "controller_inventory_sources",
    "job_template": "controller_templates",
    "workflow_job_template": "controller_workflows",
    "schedule": "controller_schedules",
    "role": "controller_roles",
}
NODE = "workflow_job_template_node"


def names(kind: str) -> set[str]:
    return {one["name"] for one in awx.data()[KINDS[kind]]}


@cache
def documented(module: str) -> dict[str, Any]:
    """Read the options of a module of awx.awx from its documentation."""
    found_in = [Path(path) / "awx/awx/plugins/modules" for path in ansible_collections.__path__]
    folder = next((path for path in found_in if path.is_dir()), None)
    if folder is None:
        pytest.skip("awx.awx is not here: the Python package ansible 14 has it no longer")
    tree = ast.parse((folder / f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            found: dict[str, Any] = yaml.safe_load(ast.literal_eval(node.value))["options"]
            return found
    raise AssertionError(f"{module} has no DOCUMENTATION")


def applied() -> dict[str, set[str]]:
    """Return which options the playbook hands on, by module."""
    (play,) = load("playbooks/awx_apply.yml")
    found: dict[str, set[str]] = {}
    for task in play["tasks"]:
        for key in (key for key in task if key.startswith("awx.awx.")):
            found.setdefault(key.removeprefix("awx.awx."), set()).update(task[key])
    return found


def objects(module: str) -> list[dict[str, Any]]:
    """Return what a module is called for; the nodes of a workflow are objects of their own."""
    if module == NODE:
        return [node for one in objects("workflow_job_template") for node in one["simplified_workflow_nodes"]]
    return list(awx.data()[KINDS[module]])


@pytest.mark.parametrize("module", [*KINDS, NODE])
def test_the_modules_take_what_the_data_says(module: str) -> None:
    taken = documented(module)
    for one in objects(module):
        own = {key: value for key, value in one.items() if key != "simplified_workflow_nodes"}
        assert own.keys() <= applied()[module], "the playbook would leave it out"
        assert own.keys() <= taken.keys()
        for key, value in own.items():
            allowed = taken[key].get("choices")
            assert not allowed or value in allowed
            assert taken[key].get("type") != "list" or isinstance(value, list)


def references() -> Iterator[tuple[str, str]]:
    """Yield every name that an object refers to another one by, and the kind of that."""
    kinds = {
        "organization": "organization",
        "lookup_organization": "organization",
        "project": "project",
        "source_project": "project",
        "execution_environment": "execution_environment",
        "default_environment": "execution_environment",
        "inventory": "inventory",
        "credential_type": "credential_type",
        "unified_job_template": "job_template",
        "team": "team",
        "teams": "team",
        "credentials": "credential",
        "inventories": "inventory",
        "projects": "project",
        "organizations": "organization",
        "job_templates": "job_template",
        "workflow": "workflow_job_template",
        "workflows": "workflow_job_template",
    }
    for listed in KINDS.values():
        for one in awx.data()[listed]:
            for key, kind in kinds.items():
                value = one.get(key, [])
                yield from ((kind, name) for name in ([value] if isinstance(value, str) else value))


def test_every_name_that_is_referred_to_is_there() -> None:
    built_in = ("credential_type", "Red Hat Ansible Automation Platform")
    lost = [
        (kind, name) for kind, name in references() if name not in names(kind) and (kind, name) != built_in
    ]
    assert lost == []


WAYS = ("success_nodes", "failure_nodes", "always_nodes")


@pytest.mark.parametrize("workflow", awx.data()["controller_workflows"], ids=lambda one: one["name"])
def test_a_workflow_holds_together(workflow: dict[str, Any]) -> None:
    first, *others = [node["identifier"] for node in workflow["simplified_workflow_nodes"]]
    led_to = set()
    for node in workflow["simplified_workflow_nodes"]:
        assert ("approval_node" in node) != ("unified_job_template" in node)
        assert node.get("unified_job_template", "rampart verify") in names("job_template")
        assert set(node.get("credentials", [])) <= names("credential")
        assert "inventory" not in node or node["inventory"] in names("inventory")
        led_to |= {after for way in WAYS for after in node.get(way, [])}
    assert first not in led_to
    assert led_to == set(others)


def test_nothing_reaches_production_but_through_an_approval() -> None:
    (delivery,) = [one for one in awx.data()["controller_workflows"] if one["name"] == "rampart delivery"]
    nodes = {one["identifier"]: one for one in delivery["simplified_workflow_nodes"]}
    before = {after: name for name, node in nodes.items() for way in WAYS for after in node.get(way, [])}
    for reached in [name for name, node in nodes.items() if node.get("inventory") == "rampart production"]:
        name, passed = reached, set()
        while name in before:
            name = before[name]
            passed |= nodes[name].keys()
        assert "approval_node" in passed


def test_each_role_of_the_access_model_has_a_team() -> None:
    model = load("roles/rbac/defaults/main.yml")["rbac_roles"]
    assert names("team") == {f"rampart {role}" for role in model}


def test_every_job_template_can_be_started_by_somebody() -> None:
    roles = [one for one in awx.data()["controller_roles"] if one["role"] == "execute"]
    started = {name for one in roles for name in one.get("job_templates", [])}
    assert started == names("job_template")


def test_everybody_sees_what_ran() -> None:
    (seen,) = [one for one in awx.data()["controller_roles"] if one["role"] == "read"]
    assert set(seen["teams"]) == names("team")
    assert set(seen["job_templates"]) == names("job_template")


def test_who_delivers_does_not_approve() -> None:
    roles = awx.data()["controller_roles"]
    approvers = {one["team"] for one in roles if one["role"] == "approval"}
    deliverers = {
        one["team"]
        for one in roles
        if one["role"] == "execute" and "rampart delivery" in one.get("workflows", [])
    }
    assert approvers
    assert not approvers & deliverers


@pytest.mark.parametrize("kind", awx.data()["controller_credential_types"], ids=lambda one: one["name"])
def test_a_secret_reaches_a_job_as_a_file_of_its_own(kind: dict[str, Any], tmp_path: Path) -> None:
    inputs = {field["id"]: f"value-of-{field['id']}" for field in kind["inputs"]["fields"]}
    secret = {field["id"] for field in kind["inputs"]["fields"] if field.get("secret")}
    environment = awx.injected(kind["name"], inputs, tmp_path, tmp_path)
    files = list(tmp_path.iterdir())
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.read_text() for path in files} == {inputs[name] for name in secret}
    for name in secret:
        assert inputs[name] not in str(environment)
    assert set(environment.values()) >= {str(path) for path in files}


def test_the_schedules_follow_the_calendar() -> None:
    found = {one["unified_job_template"]: one["rrule"] for one in awx.data()["controller_schedules"]}
    assert "FREQ=DAILY" in found["rampart scan"]
    assert "FREQ=DAILY" in found["rampart rotate"]
    assert "FREQ=WEEKLY" in found["rampart encryption census"]
    assert "FREQ=MONTHLY;INTERVAL=3" in found["rampart report"]
    for rule in found.values():
        assert re.fullmatch(
            r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=(DAILY|WEEKLY|MONTHLY);INTERVAL=\d+(;BY\w+=\w+)?", rule
        )
