# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pwd

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._cluster import users


def test_a_user_who_is_there_is_not_missing() -> None:
    assert users.missing(["root", "no-such-one"]) == ["no-such-one"]


def test_somebody_elses_user_stays() -> None:
    assert users.removable(["root", "nobody", "daemon"]) == []


@pytest.mark.parametrize(("uid", "going"), [(4_000_000, ["made"]), (os.geteuid(), [])])
def test_a_user_goes_when_nothing_runs_as_it(
    monkeypatch: pytest.MonkeyPatch, uid: int, going: list[str]
) -> None:
    made = pwd.struct_passwd(("made", "x", uid, 1, users.MADE_HERE, "/", "/"))
    monkeypatch.setattr(pwd, "getpwall", lambda: [made])
    assert users.removable(["made"]) == going
    assert users.removable(["other"]) == []
