# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan


def test_a_diff_is_given_only_when_asked_for_and_changed() -> None:
    changed = Plan(changed=True, reason="new", before={}, after={"a": 1}, result={"x": 2})
    assert changed.as_result(diff=True) == {
        "changed": True,
        "reason": "new",
        "x": 2,
        "diff": {"before": {}, "after": {"a": 1}},
    }
    assert "diff" not in changed.as_result(diff=False)
    assert "diff" not in Plan(changed=False, reason="same", after={"a": 1}).as_result(diff=True)


def test_a_result_cannot_overrule_the_verdict() -> None:
    plan = Plan(changed=False, reason="same", result={"changed": True, "reason": "other"})
    assert plan.as_result(diff=False) == {"changed": False, "reason": "same"}
