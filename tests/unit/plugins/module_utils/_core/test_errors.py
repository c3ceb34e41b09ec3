# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


def test_the_next_step_is_told_with_the_message() -> None:
    error = RampartError("Could not read x: gone.", next_step="make x", path="x")
    assert str(error) == "Could not read x: gone. Next step: make x"
    assert error.details == {"path": "x"}


def test_without_a_next_step_only_the_message_is_told() -> None:
    assert str(RampartError("Could not read x: gone.")) == "Could not read x: gone."
