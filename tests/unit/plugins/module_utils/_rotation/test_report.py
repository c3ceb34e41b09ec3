# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told about an old content that somebody still uses."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Journal, Member
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.report import Report
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition

NOW = classes.now()


def waiting(secret_class: str) -> Group:
    """Return a rotation that everybody but one Job has followed two hours ago."""
    definition = Definition.of(
        {
            "namespace": "dev",
            "name": "db",
            "secret_class": secret_class,
            "keys": [{"name": "password", "generator": "password"}],
        }
    )
    since = classes.written(NOW - datetime.timedelta(hours=2))
    return Group([Member(definition, "db", {})], verified=since, until=since, holders=["Job import"])


@pytest.mark.parametrize(
    ("secret_class", "is_late"), [("database", False), ("hasty", True), ("declared no more", False)]
)
def test_how_long_an_old_content_may_be_used_is_said_by_its_class(secret_class: str, is_late: bool) -> None:
    known = classes.merge({"hasty": {"max_age_days": 1, "longest_overlap_hours": 1}})
    report = Report(classes=known)
    report.note(Journal("r1", "dev", "scheduled", "", []), waiting(secret_class), resumed=True)
    plan = Plan(True, "a rotation that was begun is to be finished")
    if not is_late:
        assert report.conclude(plan).result["rotations"][0]["overdue"] is False
        return
    with pytest.raises(RampartError, match="used long after its rotation: Job import") as caught:
        report.conclude(plan)
    assert caught.value.details["rotations"][0]["state"] == "waiting"
