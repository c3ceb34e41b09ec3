# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An exception has an owner, another who allowed it, a reason and an end, or there is none."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._scan import exceptions
from ansible_collections.rampart.k8s.tests.support.scanning import NOW, entry
from hypothesis import given, settings
from hypothesis import strategies as st


def parsed(**more: Any) -> exceptions.Exemption:
    [found] = exceptions.parse_file({"exceptions": [entry(**more)]}, NOW)
    return found


def test_a_whole_one_is_read() -> None:
    found = parsed()
    assert str(found.scope.purl) == "pkg:deb/debian/libc6@2.36-9"
    assert found.active(NOW)
    assert found.key == "CVE-2026-0001 for pkg:deb/debian/libc6@2.36-9 until 2026-12-31"


def test_days_may_be_text_and_names_are_brought_to_their_spelling() -> None:
    found = parsed(id="ghsa-ABCD-efgh-1234", created="2026-11-01", expires="2026-11-30")
    assert found.id == "GHSA-abcd-efgh-1234"
    assert found.expires == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"owner": None}, "lacks owner"),
        ({"approver": None}, "lacks approver"),
        ({"approver": "Ann"}, "would allow it to themselves"),
        ({"owner": "ann ", "approver": " ANN"}, "would allow it to themselves"),
        ({"reason": None}, "lacks reason"),
        ({"reason": "because"}, "says nothing"),
        ({"link": None}, "lacks link"),
        ({"link": "somewhere"}, "leads nowhere"),
        ({"created": None}, "created is no day"),
        ({"expires": None}, "expires is no day"),
        ({"expires": "soon"}, "expires is no day"),
        ({"created": datetime(2026, 11, 1)}, "created is no day"),
        ({"created": date(2026, 11, 23)}, "in the future"),
        ({"created": date(2026, 10, 1), "expires": date(2026, 12, 31)}, "90 days is the most"),
        ({"expires": date(2026, 11, 1)}, "90 days is the most"),
        ({"expires": date(2026, 10, 1)}, "90 days is the most"),
        ({"rule": "DL3008"}, "one of id, rule, policy"),
        ({"id": None}, "one of id, rule, policy"),
        ({"id": "; rm -rf"}, "no name of a vulnerability"),
        ({"id": None, "rule": "x\ny", "scope": {"path": "a"}}, "no name of a rule"),
        ({"id": None, "rule": "DL3008"}, "not about a package"),
        ({"scope": None}, "no scope"),
        ({"scope": {}}, "no scope"),
        ({"scope": {"everything": True}}, "no scope"),
        ({"scope": {"purl": "libc6"}}, "no package URL"),
        ({"scope": {"digest": "sha256:1"}}, "no digest"),
        ({"scope": {"path": "**"}}, "limits nothing"),
        ({"scope": {"path": "a/../b"}}, "limits nothing"),
        ({"until": "for ever"}, "nothing is known of until"),
    ],
)
def test_one_that_lacks_something_is_refused_by_name(change: dict[str, Any], why: str) -> None:
    with pytest.raises(RampartError, match=why) as caught:
        parsed(**change)
    assert caught.value.next_step
    assert "number 1" in caught.value.message


@settings(max_examples=60, deadline=None)
@given(st.integers(-30, 400), st.integers(0, 400))
def test_none_ever_lives_longer_than_90_days(start: int, length: int) -> None:
    created = NOW.date() - timedelta(days=start)
    try:
        found = parsed(created=created, expires=created + timedelta(days=length))
    except RampartError:
        assert start < 0 or not 0 < length <= 90
    else:
        assert start >= 0
        assert found.expires - found.created <= timedelta(days=90)


@pytest.mark.parametrize(
    "content", [[], {"exception": []}, {"exceptions": {}}, "text", {"exceptions": ["x"]}]
)
def test_a_file_of_another_form_is_refused(content: Any) -> None:
    with pytest.raises(RampartError):
        exceptions.parse_file(content, NOW)


@pytest.mark.parametrize("content", [None, {"exceptions": []}, {"exceptions": None}])
def test_there_may_be_none(content: Any) -> None:
    assert exceptions.parse_file(content, NOW) == ()


def test_a_second_one_for_the_same_prolongs_nothing() -> None:
    entries = [entry(), entry(created=date(2026, 11, 20), expires=date(2027, 2, 1))]
    with pytest.raises(RampartError, match="two exceptions of the same scope"):
        exceptions.parse_file({"exceptions": entries}, NOW)


def test_it_ends_at_the_beginning_of_its_last_day() -> None:
    """As trivy reads the same date; otherwise the two would differ for a day."""
    found = parsed(expires=date(2026, 11, 23))
    assert found.active(datetime.fromisoformat("2026-11-22T23:59:59+00:00"))
    assert not found.active(datetime.fromisoformat("2026-11-23T00:00:00+00:00"))


@pytest.mark.parametrize(("days", "warned"), [(15, False), (14, True), (7, True), (1, True), (0, False)])
def test_the_end_is_warned_of(days: int, warned: bool) -> None:
    found = parsed(expires=NOW.date() + timedelta(days=days))
    said = exceptions.warning(found, NOW)
    assert bool(said) is warned
    assert not warned or f"ends in {days} day" in said


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("app/node_modules/lodash/*", "/app/node_modules/lodash/package.json", True),
        ("/app/x", "app/x", True),
        ("app/x", "other/app/x", False),
    ],
)
def test_paths_are_compared_without_the_leading_slash(pattern: str, path: str, covered: bool) -> None:
    assert exceptions.matches(pattern, path) is covered


def test_a_copy_elsewhere_is_not_covered_by_a_path() -> None:
    found = parsed(scope={"path": "app/vendor/*"})
    package = parsed().scope.purl
    assert package is not None
    names = frozenset({"CVE-2026-0001"})
    assert found.covers_vulnerability(names, package, ("app/vendor/a",), "")
    assert not found.covers_vulnerability(names, package, ("app/vendor/a", "usr/lib/a"), "")
    assert not found.covers_vulnerability(names, package, (), "")
