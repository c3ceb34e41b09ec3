# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one list of advisories, as values."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any

import yaml

from tests.ground.packages import CODENAMES, SOURCES

ECOSYSTEMS = ("deb", "python", "npm", "go")
KEYS = ("id", "aliases", "ranges", "status", "severities", "exploited", "records")
SEVERITIES = ("low", "medium", "high", "critical")

# Debian's words for why there is no fix, and what scanners make of them.
STATUSES = ("affected", "no-dsa", "postponed", "ignored")

_ADDRESSES = (
    (r"https://\S+", "{0}"),
    (r"D[LS]A-\d+-\d+|CVE-\d{4}-\d{4,}", "https://security-tracker.debian.org/tracker/{0}"),
    (r"GHSA(-[0-9a-z]{4}){3}", "https://github.com/advisories/{0}"),
    (r"GO-\d{4}-\d+", "https://pkg.go.dev/vuln/{0}"),
    (r"PYSEC-\d{4}-\d+", "https://osv.dev/vulnerability/{0}"),
    (r"nvd:(?P<id>CVE-\d{4}-\d{4,})", "https://nvd.nist.gov/vuln/detail/{id}"),
    (r"cve:(?P<id>CVE-\d{4}-\d{4,})", "https://www.cve.org/CVERecord?id={id}"),
)


@dataclass(frozen=True, slots=True)
class Range:
    """Versions from one (empty: from the first) up to, but not with, the fixed one (empty: no fix)."""

    start: str
    fixed: str

    def constraint(self, between: str = ",") -> str:
        """Return the range as comparisons; empty is every version."""
        parts = (f">={self.start}" if self.start else "", f"<{self.fixed}" if self.fixed else "")
        return between.join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Exploited:
    """When a vulnerability came on the list of known exploited ones, and by when agencies had to act."""

    added: datetime.date
    due: datetime.date


@dataclass(frozen=True, slots=True)
class Advisory:
    """What the public records say of one vulnerability in one package."""

    id: str
    aliases: tuple[str, ...]
    ecosystem: str
    package: str
    release: str
    ranges: tuple[Range, ...]
    status: str
    severities: dict[str, str]
    links: tuple[str, ...]
    exploited: Exploited | None = None

    @property
    def ghsa(self) -> str:
        """Return GitHub's id, empty where it has none."""
        return next((alias for alias in self.aliases if alias.startswith("GHSA-")), "")

    @property
    def as_nvd_shows(self) -> str:
        """Return the severity that the National Vulnerability Database shows: the highest but GitHub's.

        It shows its own score and those of the CVE record.
        """
        shown = [SEVERITIES.index(word) for source, word in self.severities.items() if source != "ghsa"]
        return SEVERITIES[max(shown)] if shown else ""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of a distribution that has ended."""

    distribution: str
    release: str
    codename: str
    end: datetime.date
    links: tuple[str, ...]


def address(record: str) -> str:
    """Return where a record can be read."""
    for pattern, form in _ADDRESSES:
        if found := re.fullmatch(pattern, record):
            return form.format(record, **found.groupdict())
    raise ValueError(f"{record!r} names no public record")


def parse(item: dict[str, Any]) -> Advisory:
    """Turn an item of the list into an advisory; refuse what it must not say."""
    named = [ecosystem for ecosystem in ECOSYSTEMS if ecosystem in item]
    unknown = set(item) - {*KEYS, *ECOSYSTEMS}
    if len(named) != 1 or unknown:
        raise ValueError(f"{item.get('id')}: one ecosystem and no other keys ({', '.join(sorted(unknown))})")
    ecosystem = named[0]
    deb = item["deb"] if ecosystem == "deb" else {}
    advisory = Advisory(
        id=item["id"],
        aliases=tuple(item.get("aliases", ())),
        ecosystem=ecosystem,
        package=deb["package"] if deb else item[ecosystem],
        release=deb.get("release", ""),
        ranges=tuple(Range(*row) for row in item["ranges"]),
        status=item.get("status", ""),
        severities=dict(item["severities"]),
        links=tuple(address(record) for record in item["records"]),
        exploited=Exploited(**item["exploited"]) if "exploited" in item else None,
    )
    unfixed = not all(versions.fixed for versions in advisory.ranges)
    wrong = [
        why
        for why, is_so in (
            ("it has no record", not advisory.links),
            ("it has no range", not advisory.ranges),
            ("an unknown severity", not set(advisory.severities.values()) <= set(SEVERITIES)),
            ("an unknown release", bool(deb) and advisory.release not in CODENAMES),
            ("a deb without a fix needs a status", bool(deb) and unfixed and advisory.status not in STATUSES),
            ("a status, though there is a fix", bool(advisory.status) and not unfixed),
        )
        if is_so
    ]
    if wrong:
        raise ValueError(f"{advisory.id}: {'; '.join(wrong)}")
    return advisory


def _content() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((SOURCES / "advisories.yml").read_text())
    return content


def advisories() -> list[Advisory]:
    """Return the list."""
    return [parse(item) for item in _content()["advisories"]]


def ended_releases() -> list[Release]:
    """Return the releases that are said to have ended."""
    return [
        Release(
            item["distribution"], item["release"], item["codename"], item["end"],
            tuple(address(record) for record in item["records"]),
        )
        for item in _content()["releases"]
    ]  # fmt: skip
