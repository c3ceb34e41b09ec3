# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the advisories as a database of grype's version 6, which is plain SQLite."""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.ground.advisories import Advisory, Exploited, Release
from tests.ground.packages import CODENAMES

# Only what a scan asks for; `grype db import` adds the other tables and all indexes.
SCHEMA = """
CREATE TABLE db_metadata (build_timestamp datetime, model integer, revision integer, addition integer);
CREATE TABLE providers (id text PRIMARY KEY, version text, processor text, date_captured datetime,
  input_digest text);
CREATE TABLE blobs (id integer PRIMARY KEY, value text);
CREATE TABLE vulnerability_handles (id integer PRIMARY KEY, name text, status text, published_date datetime,
  modified_date datetime, withdrawn_date datetime, provider_id text, blob_id integer);
CREATE TABLE packages (id integer PRIMARY KEY, ecosystem text, name text);
CREATE TABLE operating_systems (id integer PRIMARY KEY, name text, release_id text, major_version text,
  minor_version text, label_version text, codename text, channel text, eol_date datetime, eoas_date datetime);
CREATE TABLE affected_package_handles (id integer PRIMARY KEY, vulnerability_id integer,
  operating_system_id integer, package_id integer, blob_id integer);
CREATE TABLE known_exploited_vulnerability_handles (id integer PRIMARY KEY, cve text, blob_id integer);
"""

PROVIDERS = {"deb": "debian", "python": "github", "npm": "github", "go": "github"}
# As syft calls them, and the rules by which versions are compared.
KINDS = {"deb": ("deb", "dpkg"), "python": ("python", "python"), "npm": ("npm", "semver"),
         "go": ("go-module", "semver")}  # fmt: skip
FIX_STATES = {"ignored": "wont-fix", "": "fixed"}


def _moment(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S+00:00")


class _Database:
    def __init__(self, path: Path, built: datetime.datetime) -> None:
        self._built = _moment(built)
        self._sql = sqlite3.connect(path)
        self._sql.executescript(SCHEMA)
        self._insert("db_metadata", build_timestamp=self._built, model=6, revision=1, addition=10)
        self._packages: dict[tuple[str, str], int] = {}
        self._systems: dict[str, int] = {}
        for provider in sorted({*PROVIDERS.values(), "nvd"}):
            self._insert("providers", id=provider, version="1", processor="tests/ground",
                         date_captured=self._built, input_digest="")  # fmt: skip

    def _insert(self, table: str, **columns: Any) -> int:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        # Names of tables and columns are this program's own.
        row = self._sql.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*columns.values()])  # noqa: S608
        return row.lastrowid or 0

    def _blob(self, value: dict[str, Any]) -> int:
        return self._insert("blobs", value=json.dumps(value, sort_keys=True))

    def add_release(self, release: str, end: datetime.date | None) -> None:
        ends = datetime.datetime.combine(end, datetime.time(), datetime.UTC) if end else None
        self._systems[release] = self._insert(
            "operating_systems", name="debian", release_id="debian", major_version=release,
            minor_version="", label_version="", codename=CODENAMES[release], channel="",
            eol_date=_moment(ends) if ends else None,
        )  # fmt: skip

    def _vulnerability(self, name: str, provider: str, advisory: Advisory, severity: str) -> int:
        blob: dict[str, Any] = {
            "id": name,
            "aliases": [other for other in (advisory.id, advisory.ghsa) if other and other != name],
            "refs": [{"url": link} for link in advisory.links],
            "severities": [{"scheme": "CHMLN", "value": severity, "rank": 1}] if severity else [],
        }
        return self._insert(
            "vulnerability_handles", name=name, status="active", published_date=self._built,
            modified_date=self._built, provider_id=provider, blob_id=self._blob(blob),
        )  # fmt: skip

    def add(self, advisory: Advisory) -> None:
        provider = PROVIDERS[advisory.ecosystem]
        own = advisory.severities.get("ghsa", "") if provider == "github" else advisory.as_nvd_shows
        name = advisory.ghsa if provider == "github" else advisory.id
        vulnerability = self._vulnerability(name, provider, advisory, own)
        # What the record is looked up in that a scan names as related.
        self._vulnerability(advisory.id, "nvd", advisory, advisory.as_nvd_shows)
        ecosystem, version_type = KINDS[advisory.ecosystem]
        key = (ecosystem, advisory.package)
        if key not in self._packages:
            self._packages[key] = self._insert("packages", ecosystem=ecosystem, name=advisory.package)
        ranges = [
            {
                "version": {"type": version_type, "constraint": versions.constraint()},
                "fix": {
                    "version": versions.fixed,
                    "state": FIX_STATES.get(advisory.status, "not-fixed"),
                },
            }
            for versions in advisory.ranges
        ]
        self._insert(
            "affected_package_handles", vulnerability_id=vulnerability,
            operating_system_id=self._systems.get(advisory.release), package_id=self._packages[key],
            blob_id=self._blob({"cves": [advisory.id], "ranges": ranges}),
        )  # fmt: skip

    def add_exploited(self, advisory: Advisory, exploited: Exploited) -> None:
        blob = {
            "cve": advisory.id,
            "date_added": f"{exploited.added}T00:00:00Z",
            "due_date": f"{exploited.due}T00:00:00Z",
        }
        self._insert("known_exploited_vulnerability_handles", cve=advisory.id, blob_id=self._blob(blob))

    def close(self) -> None:
        self._sql.commit()
        self._sql.close()


def write(
    path: Path, advisories: Sequence[Advisory], releases: Sequence[Release], built: datetime.datetime
) -> None:
    """Write the database file that ``grype db import`` takes."""
    path.unlink(missing_ok=True)
    database = _Database(path, built)
    ends = {release.release: release.end for release in releases}
    for release in CODENAMES:
        database.add_release(release, ends.get(release))
    for advisory in advisories:
        database.add(advisory)
        if advisory.exploited:
            database.add_exploited(advisory, advisory.exploited)
    database.close()
