# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube import diff, objects, ordering


def secret(value: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "uid": "u", "annotations": {objects.LAST_APPLIED: f"all {value}"}},
        "data": {"key": base64.b64encode(value.encode()).decode()},
        "status": {},
    }


def test_a_secret_is_shown_as_names_and_fingerprints() -> None:
    shown = diff.shown(secret("correct-horse"), b"k")
    assert shown["data"].keys() == {"key"}
    assert shown["data"]["key"].startswith("hmac:")
    assert "correct-horse" not in str(shown)
    assert base64.b64encode(b"correct-horse").decode() not in str(shown)
    assert "uid" not in shown["metadata"]
    assert "status" not in shown


def test_a_changed_secret_is_seen_as_changed() -> None:
    old, new = diff.changed_fields(diff.shown(secret("one"), b"k"), diff.shown(secret("two"), b"k"))
    assert old["data"]["key"] != new["data"]["key"]
    assert diff.changed_fields(diff.shown(secret("one"), b"k"), diff.shown(secret("one"), b"k")) == ({}, {})


def test_plain_values_of_a_secret_are_never_shown() -> None:
    shown = diff.shown({**secret("x"), "stringData": {"key": "correct-horse"}, "data": {"bad": 5}}, b"k")
    assert "correct-horse" not in str(shown)
    assert shown["data"]["bad"].startswith("hmac:")


def test_only_changed_fields_are_left() -> None:
    before = {"a": 1, "b": {"c": 1, "d": [1]}, "gone": 1}
    after = {"a": 1, "b": {"c": 2, "d": [1, 2]}, "new": 1}
    old, new = diff.changed_fields(before, after)
    assert old == {"b": {"c": 1, "d": [1]}, "gone": 1}
    assert new == {"b": {"c": 2, "d": [1, 2]}, "new": 1}
    assert diff.field_names(old, new) == ["b.c", "b.d", "gone", "new"]


def policy(name: str, **spec: Any) -> dict[str, Any]:
    return {"kind": "NetworkPolicy", "name": name, "spec": spec}


def test_what_others_need_comes_first_and_what_refuses_comes_last() -> None:
    kinds = [
        {"kind": "ValidatingWebhookConfiguration"},
        {"kind": "Widget"},
        policy("deny", podSelector={}, policyTypes=["Ingress"]),
        {"kind": "Deployment"},
        {"kind": "CustomResourceDefinition"},
        policy("allow", ingress=[{}]),
        {"kind": "RoleBinding"},
        {"kind": "Role"},
        {"kind": "Namespace"},
    ]
    names = [
        [item.get("name", item["kind"]) for item in batch] for batch in ordering.batches(kinds, ordering.rank)
    ]
    assert names == [
        ["Namespace"],
        ["CustomResourceDefinition"],
        ["Role"],
        ["RoleBinding"],
        ["allow"],
        ["deny"],
        ["Widget", "Deployment"],
        ["ValidatingWebhookConfiguration"],
    ]
    backwards = ordering.batches(kinds, ordering.rank, reverse=True)
    assert backwards[0][0]["kind"] == "ValidatingWebhookConfiguration"
    assert backwards[-1][0]["kind"] == "Namespace"
