# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._policy import grants

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONGEST = timedelta(hours=24)


def grant(**changes: object) -> dict[str, object]:
    return {
        "name": "fix",
        "expires": "2026-11-22T18:00:00Z",
        "reason": "incident 7",
        "approved_by": "ana",
        **changes,
    }


def binding(end: str | None, namespace: str = "prod") -> dict[str, object]:
    annotations = {} if end is None else {grants.EXPIRES: end}
    return {
        "kind": "RoleBinding",
        "metadata": {"name": "fix", "namespace": namespace, "annotations": annotations},
    }


def test_a_grant_holds_until_its_end() -> None:
    assert grants.live([grant()], now=NOW, longest=LONGEST)[0]["name"] == "fix"
    after = datetime(2026, 11, 22, 18, tzinfo=UTC)
    assert grants.live([grant()], now=after, longest=LONGEST) == []


def test_ends_are_written_one_way_whatever_zone_they_came_in() -> None:
    found = grants.live([grant(expires="2026-11-22T20:00:00+02:00")], now=NOW, longest=LONGEST)
    assert found[0]["expires"] == "2026-11-22T18:00:00Z"


def test_yaml_makes_a_time_of_it_by_itself() -> None:
    moment = datetime(2026, 11, 22, 20, tzinfo=timezone(timedelta(hours=2)))
    assert (
        grants.live([grant(expires=moment)], now=NOW, longest=LONGEST)[0]["expires"] == "2026-11-22T18:00:00Z"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expires": None}, "lacks expires"),
        ({"reason": "", "approved_by": ""}, "lacks reason, approved_by"),
        ({"expires": "tomorrow"}, "is not a time"),
        ({"expires": "2026-11-22T18:00:00"}, "no time zone"),
        ({"expires": "2026-11-24T18:00:00Z"}, "longest allowed"),
    ],
)
def test_a_grant_that_says_too_little_or_lasts_too_long_is_refused(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(RampartError, match=said):
        grants.live([grant(**changes)], now=NOW, longest=LONGEST)


def test_two_grants_of_one_name_are_refused() -> None:
    with pytest.raises(RampartError, match="two grants"):
        grants.live([grant(), grant()], now=NOW, longest=LONGEST)


def test_what_is_live_after_its_end_is_found() -> None:
    found = grants.expired(
        [binding("2026-11-22T11:59:59Z"), binding("2026-11-22T12:00:01Z"), binding(None)], now=NOW
    )
    assert [each["object"] for each in found] == ["RoleBinding prod/fix"]


def test_an_end_that_cannot_be_read_is_no_end() -> None:
    found = grants.expired([binding("soon", namespace="")], now=NOW)
    assert found[0]["object"] == "RoleBinding fix"
    assert "not a time" in found[0]["reason"]
