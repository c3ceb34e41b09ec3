# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of advisories is whole, sourced, and agrees with the images and their labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.ground.advisories import ECOSYSTEMS, Advisory, Range, address, advisories, ended_releases, parse
from tests.ground.images import recipes
from tests.ground.packages import SOURCES

LIST = advisories()
LABELS: dict[str, dict[str, dict[str, list[str]]]] = yaml.safe_load((SOURCES / "labels.yml").read_text())
GOOD: dict[str, Any] = {
    "id": "CVE-2024-1",
    "npm": "lodash",
    "ranges": [["", "1.0"]],
    "severities": {"ghsa": "low"},
    "records": ["GHSA-jf85-cpcp-j695"],
}


def numbers(version: str) -> tuple[tuple[int, ...], bool]:
    """Return a version of numbers, before whose release there may be pre-releases."""
    plain, *pre = version.removeprefix("v").split("-", 1)
    return tuple(int(part) for part in plain.split(".")), not pre


def covers(advisory: Advisory, version: str) -> bool:
    """Compare without the code under test, and without any scanner's."""
    return any(
        (not versions.start or numbers(version) >= numbers(versions.start))
        and (not versions.fixed or numbers(version) < numbers(versions.fixed))
        for versions in advisory.ranges
    )


def installed(recipe: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name ecosystem, package and version of all that an image holds besides Debian's packages."""
    for layer in recipe["layers"]:
        for ecosystem in ("python", "npm"):
            for name, version, _sum in layer.get(ecosystem, ()):
                yield ecosystem, name.lower(), version
        for name in layer.get("go", {}):
            for module, version in re.findall(
                r"(\S+) (v\S+)$", (SOURCES / name / "go.mod").read_text(), re.M
            ):
                yield "go", module, version


def test_there_are_enough_of_every_kind() -> None:
    assert len(LIST) >= 40
    for ecosystem in ECOSYSTEMS:
        assert len([advisory for advisory in LIST if advisory.ecosystem == ecosystem]) >= 5


@pytest.mark.parametrize("advisory", LIST, ids=lambda advisory: str(advisory.id))
def test_each_can_be_read_where_its_facts_come_from(advisory: Advisory) -> None:
    assert re.fullmatch(r"CVE-\d{4}-\d{4,}", advisory.id)
    assert all(link.startswith("https://") for link in advisory.links)
    if advisory.ecosystem == "deb":
        assert any("security-tracker.debian.org" in link for link in advisory.links)
    else:
        assert advisory.ghsa
        own = [alias for alias in advisory.aliases if any(alias in link for link in advisory.links)]
        assert own, "none of its own ids is among its records"
    if "ghsa" in advisory.severities:
        assert any(advisory.ghsa in link for link in advisory.links)
    # Who else gave a severity did so in the CVE's record, or in that of the national database.
    if set(advisory.severities) - {"ghsa"}:
        assert any(link.endswith(advisory.id) and "tracker" not in link for link in advisory.links)


def test_none_stands_twice() -> None:
    pairs = [(advisory.id, advisory.package, advisory.release) for advisory in LIST]
    assert len(pairs) == len(set(pairs))


def test_what_the_gates_have_to_tell_apart_is_in_the_list() -> None:
    words = {word for advisory in LIST for word in advisory.severities.values()}
    assert words == {"low", "medium", "high", "critical"}
    assert any(not advisory.severities for advisory in LIST)
    assert {advisory.status for advisory in LIST} >= {"no-dsa"}
    assert any(len(advisory.ranges) > 1 for advisory in LIST)
    assert any(len(set(advisory.severities.values())) > 1 for advisory in LIST)


@pytest.mark.parametrize("name", recipes())
def test_the_labels_of_an_image_are_what_its_versions_and_the_ranges_say(name: str) -> None:
    true = {
        (advisory.ecosystem, advisory.id, package)
        for ecosystem, package, version in installed(recipes()[name])
        for advisory in LIST
        if (advisory.ecosystem, advisory.package) == (ecosystem, package) and covers(advisory, version)
    }
    labelled = {
        (ecosystem, identity, package)
        for ecosystem, pairs in LABELS[name].items()
        for identity, packages in pairs.items()
        for package in packages
    }
    assert {row for row in labelled if row[0] != "deb"} == true
    debian = {
        row[0] for layer in recipes()[name]["layers"] for row in layer.get("debian", {}).get("packages", ())
    }
    assert {package for ecosystem, _identity, package in labelled if ecosystem == "deb"} <= debian
    known = {advisory.id for advisory in LIST if advisory.ecosystem == "deb"}
    assert {identity for ecosystem, identity, _package in labelled if ecosystem == "deb"} <= known


def test_every_image_has_labels_and_some_advisory_is_in_none() -> None:
    assert set(LABELS) == set(recipes())
    used = {identity for image in LABELS.values() for pairs in image.values() for identity in pairs}
    assert {advisory.id for advisory in LIST} - used == {"CVE-2021-33503"}


@pytest.mark.parametrize(
    ("record", "link"),
    [
        ("DLA-1-1", "https://security-tracker.debian.org/tracker/DLA-1-1"),
        ("CVE-2024-1234", "https://security-tracker.debian.org/tracker/CVE-2024-1234"),
        ("nvd:CVE-2024-1234", "https://nvd.nist.gov/vuln/detail/CVE-2024-1234"),
        ("cve:CVE-2024-1234", "https://www.cve.org/CVERecord?id=CVE-2024-1234"),
        ("GO-2024-3321", "https://pkg.go.dev/vuln/GO-2024-3321"),
        ("https://example.org/x", "https://example.org/x"),
    ],
)
def test_a_record_has_an_address(record: str, link: str) -> None:
    assert address(record) == link


@pytest.mark.parametrize("record", ["", "from memory", "http://example.org/x", "CVE-1"])
def test_what_is_no_public_record_is_refused(record: str) -> None:
    with pytest.raises(ValueError, match="no public record"):
        address(record)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"records": []}, "no record"),
        ({"ranges": []}, "no range"),
        ({"severities": {"ghsa": "moderate"}}, "unknown severity"),
        ({"severity": "high"}, "no other keys"),
        ({"python": "lodash"}, "one ecosystem"),
        ({"status": "affected"}, "though there is a fix"),
        ({"npm": None, "deb": {"package": "x", "release": "9"}}, "unknown release"),
        ({"npm": None, "deb": {"package": "x", "release": "12"}, "ranges": [["", ""]]}, "needs a status"),
    ],
)
def test_an_item_that_says_too_little_or_too_much_is_refused(change: dict[str, Any], complaint: str) -> None:
    item = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=complaint):
        parse(item)


def test_a_range_as_comparisons() -> None:
    assert Range("", "2").constraint() == "<2"
    assert Range("1", "2").constraint(", ") == ">=1, <2"
    assert Range("", "").constraint() == ""


def test_the_severity_that_the_national_database_shows() -> None:
    advisory = parse({**GOOD, "severities": {"ghsa": "critical", "cisa": "low", "mitre": "high"}})
    assert advisory.as_nvd_shows == "high"
    assert parse(GOOD).as_nvd_shows == ""


def test_an_ended_release_says_where_that_stands() -> None:
    assert [(release.release, release.end.year) for release in ended_releases()] == [("11", 2026)]
    assert all(link.startswith("https://") for release in ended_releases() for link in release.links)
