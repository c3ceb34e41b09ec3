# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec


def test_two_specifications_become_one_with_all_constraints() -> None:
    one = ArgumentSpec({"a": {"type": "str"}}, required_together=(("a", "b"),))
    other = ArgumentSpec({"b": {"type": "str"}}, required_by={"b": ("a",)})
    merged = (one | other).module_arguments()
    assert merged["argument_spec"] == {"a": {"type": "str"}, "b": {"type": "str"}}
    assert merged["required_together"] == (("a", "b"),)
    assert merged["required_by"] == {"b": ("a",)}


def test_an_option_in_both_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="both specifications: a"):
        ArgumentSpec({"a": {}}) | ArgumentSpec({"a": {}})
