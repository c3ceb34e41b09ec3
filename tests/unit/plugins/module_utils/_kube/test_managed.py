# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixture holds definitions, applied to a real API server 1.36, and what was read back."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube.managed import (
    is_applied_by,
    surely_unchanged,
)

FIXTURE = Path(__file__).parents[4] / "fixtures" / "kube" / "applied.json"
RECORDED = {item["definition"]["kind"]: item for item in json.loads(FIXTURE.read_text())}

# The server normalises or defaults inside values that it takes as a whole; a dry run decides there.
UNDECIDED = {"ResourceQuota"}


def recorded(kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    item = copy.deepcopy(RECORDED[kind])
    return item["definition"], item["live"]


@pytest.mark.parametrize("kind", sorted(RECORDED.keys() - UNDECIDED))
def test_what_was_applied_is_known_to_be_unchanged(kind: str) -> None:
    assert surely_unchanged(*recorded(kind), "rampart")


@pytest.mark.parametrize("kind", sorted(UNDECIDED))
def test_what_the_server_rewrites_is_left_to_a_dry_run(kind: str) -> None:
    assert not surely_unchanged(*recorded(kind), "rampart")


def leaves(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all single values, and of all lists and maps."""
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(found for key, value in below for found in leaves(value, (*path, key)))]


def changed_at(data: Any, path: tuple[Any, ...], *, drop: bool) -> Any:
    made = copy.deepcopy(data)
    place = made
    for key in path[:-1]:
        place = place[key]
    if drop:
        del place[path[-1]]
    else:
        value = place[path[-1]]
        place[path[-1]] = (
            not value if isinstance(value, bool) else 4242 if isinstance(value, int) else "changed"
        )
    return made


IDENTITY = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")}
PLACES = [
    (kind, path)
    for kind in sorted(RECORDED.keys() - UNDECIDED)
    for path in leaves(RECORDED[kind]["definition"])
    if path and path not in IDENTITY
]


@pytest.mark.parametrize(("kind", "path"), PLACES)
def test_a_change_anywhere_is_seen(kind: str, path: tuple[Any, ...]) -> None:
    definition, live = recorded(kind)
    assert not surely_unchanged(changed_at(definition, path, drop=False), live, "rampart")


@pytest.mark.parametrize(("kind", "path"), PLACES)
def test_a_field_that_is_taken_out_is_seen(kind: str, path: tuple[Any, ...]) -> None:
    definition, live = recorded(kind)
    assert not surely_unchanged(changed_at(definition, path, drop=True), live, "rampart")


@pytest.mark.parametrize(("kind", "path"), PLACES)
def test_a_change_by_somebody_else_is_seen(kind: str, path: tuple[Any, ...]) -> None:
    definition, live = recorded(kind)
    try:
        changed = changed_at(live, path, drop=False)
    except (KeyError, IndexError):
        pytest.skip("the server keeps this list in another order")
    assert not surely_unchanged(definition, changed, "rampart")


def test_a_new_field_is_seen() -> None:
    definition, live = recorded("Deployment")
    definition["spec"]["template"]["spec"]["containers"][0]["args"] = ["x"]
    assert not surely_unchanged(definition, live, "rampart")
    definition, live = recorded("Deployment")
    definition["metadata"]["labels"]["new"] = "x"
    assert not surely_unchanged(definition, live, "rampart")


@pytest.mark.parametrize("field", ["containers", "volumes"])
def test_another_order_is_seen(field: str) -> None:
    definition, live = recorded("Deployment")
    items = definition["spec"]["template"]["spec"][field]
    items.reverse()
    assert surely_unchanged(definition, live, "rampart") is (len(items) == 1)


def test_another_order_of_a_set_is_seen() -> None:
    definition, live = recorded("ServiceAccount")
    definition["metadata"]["finalizers"].reverse()
    assert not surely_unchanged(definition, live, "rampart")


def test_what_another_manager_applied_is_not_ours() -> None:
    definition, live = recorded("Role")
    assert not surely_unchanged(definition, live, "somebody")
    assert is_applied_by(live, "rampart")
    assert not is_applied_by(live, "somebody")


def test_a_bare_name_owns_nothing() -> None:
    bare = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "recorded"}}
    _unused, live = recorded("Namespace")
    assert not surely_unchanged(bare, live, "rampart"), "the label that we applied before must go"
    live["metadata"]["managedFields"] = []
    assert surely_unchanged(bare, live, "rampart")


def test_true_is_not_one() -> None:
    definition, live = recorded("ServiceAccount")
    live["automountServiceAccountToken"] = 0
    assert not surely_unchanged(definition, live, "rampart")
