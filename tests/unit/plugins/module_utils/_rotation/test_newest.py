# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.observe import newest
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

EARLY, LATE = "2026-11-27T10:00:00Z", "2026-11-27T10:00:01Z"


def version(name: str, moment: str, fencing: str) -> dict[str, Any]:
    said = {names.VERSION_OF: "conf", names.ROTATED_AT: moment, names.FENCING: fencing}
    return {"metadata": {"name": name, "annotations": said}}


@pytest.mark.parametrize(("one", "two"), [("conf-a", "conf-b"), ("conf-b", "conf-a")])
def test_of_two_versions_of_one_second_the_later_writer_has_made_the_newest(one: str, two: str) -> None:
    found = newest([version(one, EARLY, "10"), version(two, EARLY, "9")], "conf", [])
    assert found is not None
    assert found["metadata"]["name"] == one


def test_a_later_second_is_newer_whoever_wrote_and_what_is_under_way_does_not_count() -> None:
    versions = [version("conf-a", EARLY, "9"), version("conf-b", LATE, "1"), version("conf-c", LATE, "2")]
    found = newest(versions, "conf", ["conf-c"])
    assert found is not None
    assert found["metadata"]["name"] == "conf-b"
    assert newest(versions, "other", []) is None
