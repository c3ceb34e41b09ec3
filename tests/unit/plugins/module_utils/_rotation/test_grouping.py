# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes together, and in which order it is made."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Consumer
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.grouping import groups, with_followers
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.classes import CLASSES
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import Decision, Observed


def one(name: str, *, due: bool = True, ca: str = "", source: str = "") -> Decision:
    key: dict[str, Any] = {"name": "k", "generator": "password"}
    if ca:
        key = {"name": "tls.crt", "generator": "tls", "ca": ca}
    if source:
        key = {"name": "k", "generator": "jwks", "source": source, "source_key": "k"}
    definition = Definition.of({"namespace": "dev", "name": name, "secret_class": "tls", "keys": [key]})
    return Decision(Observed(definition, CLASSES["tls"], None), due, "")


def user(name: str, action: str = "restart") -> Consumer:
    return Consumer("Deployment", name, ("volume",), action, "")


def names(found: list[list[Decision]]) -> list[list[str]]:
    return [[decision.definition.name for decision in group] for group in found]


def test_what_follows_changes_with_its_source_and_never_the_other_way() -> None:
    decisions = [
        one("leaf", due=False, ca="mid"),
        one("mid", due=False, ca="root"),
        one("root"),
        one("other", due=False),
    ]
    assert {each.definition.name for each in with_followers(decisions) if each.is_due} == {
        "root",
        "mid",
        "leaf",
    }
    decisions = [one("root", due=False), one("leaf", ca="root")]
    assert {each.definition.name for each in with_followers(decisions) if each.is_due} == {"leaf"}


def test_secrets_of_one_workload_go_together_and_others_do_not() -> None:
    graph = {"a": [user("api")], "b": [user("api"), user("web")], "c": [user("job")], "d": [user("web")]}
    assert names(groups([one(name) for name in "abcd"], graph)) == [["a", "b", "d"], ["c"]]


def test_workloads_that_are_not_restarted_bind_nothing() -> None:
    graph = {"a": [user("api", "reload")], "b": [user("api", "reload")]}
    assert names(groups([one("a"), one("b")], graph)) == [["a"], ["b"]]


def test_sources_are_made_first() -> None:
    listed = [one("keys", source="signing"), one("leaf", ca="root"), one("root"), one("signing")]
    assert names(groups(listed, {"keys": [user("api")], "leaf": [user("api")]})) == [
        ["root", "signing", "keys", "leaf"]
    ]


def test_a_source_that_does_not_change_is_no_reason_to_wait() -> None:
    assert names(groups([one("leaf", ca="root")], {})) == [["leaf"]]


def test_a_circle_is_refused() -> None:
    with pytest.raises(RampartError, match="in a circle: a, b"):
        groups([one("a", ca="b"), one("b", ca="a")], {})
