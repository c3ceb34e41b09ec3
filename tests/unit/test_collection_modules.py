# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the metadata says of the modules is what the modules are."""

from __future__ import annotations

import ast
import importlib
import re
import sys

import pytest
from ansible_collections.rampart.k8s.plugins.plugin_utils.direct import DirectAction

from tests.unit.collection import ROOT, documentation, fragments, load, modules

# An action group holds every module that extends the fragment with its options.
GROUPS = {
    "kubernetes": "rampart.k8s.kubernetes",
    "evidence": "rampart.k8s.evidence",
    "reusable": "rampart.k8s.evidence.reusable",
}
CODE_LINES = 150
# What a module may import beside Python's own library and Ansible's, by the name to install.
DISTRIBUTIONS = {
    "backports": "backports.zstd",
    "license_expression": "license-expression",
    "websocket": "websocket-client",
    "yaml": "PyYAML",
}
# Their absence is handled: the certificate's date is then not told, nothing else changes.
OWN = {"ansible", "ansible_collections"}


@pytest.mark.parametrize("group", GROUPS)
def test_an_action_group_holds_every_module_with_its_options(group: str) -> None:
    named = load("meta/runtime.yml")["action_groups"][group]
    assert named == sorted(module for module in modules() if GROUPS[group] in fragments(module))


def test_every_module_runs_from_where_it_is_installed() -> None:
    """By an action plugin of its own, or led to the common one."""
    own = {path.stem for path in (ROOT / "plugins/action").glob("*.py")}
    routing = load("meta/runtime.yml")["plugin_routing"]["modules"]
    assert sorted(own | routing.keys()) == modules()
    assert {route["action_plugin"] for route in routing.values()} == {"rampart.k8s.manifest_apply"}
    for name in own:
        action = importlib.import_module(f"ansible_collections.rampart.k8s.plugins.action.{name}")
        assert issubclass(action.ActionModule, DirectAction), name


@pytest.mark.parametrize("module", modules())
def test_every_module_says_how_far_it_supports_check_mode(module: str) -> None:
    attributes = documentation(module).get("attributes") or {}
    own = attributes.get("check_mode") or {}
    inherited = any(name.endswith("attributes.read_only") for name in fragments(module))
    assert inherited or own.get("support") in {"full", "partial", "none"}
    if own.get("support") in {"partial", "none"}:
        assert own.get("details"), "a module without full check mode says why"


@pytest.mark.parametrize("module", modules())
def test_every_module_is_new_in_a_version_and_thin(module: str) -> None:
    assert documentation(module)["version_added"]
    source = (ROOT / f"plugins/modules/{module}.py").read_text(encoding="utf-8")
    docs = sum(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").isupper()
        if isinstance(node.value, ast.Constant)
    )
    assert len(source.splitlines()) - docs <= CODE_LINES


def test_the_fragments_that_are_named_exist() -> None:
    named = {
        name.split(".")[2]
        for module in modules()
        for name in fragments(module)
        if name.startswith("rampart.k8s.")
    }
    assert named <= {path.stem for path in (ROOT / "plugins/doc_fragments").glob("*.py")}


def third_party() -> set[str]:
    """Name the packages that plugins import, wherever in the file."""
    found = set()
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            found |= {name.split(".")[0] for name in names}
    return found - OWN - sys.stdlib_module_names


def requirement_names(path: str) -> set[str]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return {re.split(r"[=<>;\[ ]", line)[0].lower() for line in lines if line and line[0] not in "#-"}


def test_an_execution_environment_gets_all_that_is_imported() -> None:
    imported = {DISTRIBUTIONS.get(name, name).lower() for name in third_party()}
    assert imported <= requirement_names("meta/ee-requirements.txt")
    assert requirement_names("meta/ee-requirements.txt") <= requirement_names("requirements.txt")


def test_preflight_asks_for_what_an_execution_environment_gets() -> None:
    checks = importlib.import_module("ansible_collections.rampart.k8s.plugins.module_utils._preflight.checks")
    wanted = dict(checks.LIBRARIES)
    for libraries in checks.DRIVER_LIBRARIES.values():
        wanted |= libraries
    lines = (ROOT / "meta/ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    stated = dict(line.split(">=") for line in lines if ">=" in line)
    assert wanted == stated


def test_the_supported_core_is_the_same_everywhere() -> None:
    checks = importlib.import_module("ansible_collections.rampart.k8s.plugins.module_utils._preflight.checks")
    assert load("meta/runtime.yml")["requires_ansible"] == f">={checks.MINIMUM_CORE}"
