# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""grype: packages and vulnerabilities, with how likely and whether known to be exploited."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._scan import aliases, purl
from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import (
    Adapter,
    Input,
    Output,
    mapping,
    read_report,
    rows,
    whole_json,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Claim, FixState, Kind, Report
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity, parse
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble

# How syft's CycloneDX says what kind a package is of.
TYPE, OF_A_DISTRIBUTION = "syft:package:type", ("apk", "deb", "rpm")
_STATES = {"fixed": FixState.FIXED, "not-fixed": FixState.NONE, "wont-fix": FixState.REFUSED}

# One part in ten thousand: how fine EPSS is kept.
EPSS_PARTS = 10_000


class Grype(Adapter):
    """Reads `grype -o json`, and the packages from its second report: the first names only hits."""

    name = "grype"
    versions = ">=0.120.0,<0.121"
    kinds = frozenset({Kind.IMAGE, Kind.SBOM})
    version_arguments = ("version", "-o", "json")
    has_database = True
    meanings = (
        ("database does not exist", Trouble.NO_DATABASE),
        ("no import metadata file", Trouble.NO_DATABASE),
        ("bad db checksum", Trouble.CORRUPT_DATABASE),
        ("disk image is malformed", Trouble.CORRUPT_DATABASE),
        ("file is not a database", Trouble.CORRUPT_DATABASE),
        ("the vulnerability database was built", Trouble.STALE_DATABASE),
    )

    def __init__(self, database: Path) -> None:
        self._database = database

    def environment(self) -> dict[str, str]:
        return {
            "GRYPE_DB_CACHE_DIR": str(self._database),
            "GRYPE_DB_AUTO_UPDATE": "false",
            "GRYPE_CHECK_FOR_APP_UPDATE": "false",
            # Its age is judged by the policy, for every scanner alike.
            "GRYPE_DB_VALIDATE_AGE": "false",
        }

    def arguments(self, item: Input, report: Path, timeout: float) -> list[str]:
        scheme = "docker-archive" if item.kind is Kind.IMAGE else "sbom"
        return [
            f"{scheme}:{item.path}",
            f"--output=json={report}",
            f"--output=cyclonedx-json={self._packages_beside(report)}",
        ]

    def _packages_beside(self, report: Path) -> Path:
        return report.with_suffix(".packages")

    def read_version(self, stdout: str) -> str:
        try:
            said = str(json.loads(stdout).get("version", ""))
        except (ValueError, AttributeError):
            return ""
        return said.removeprefix("v") if re.match(r"v?\d", said) else ""

    def gather(self, output: Output) -> str:
        """Put both reports into one text."""
        first = read_report(output.report)
        second = read_report(self._packages_beside(output.report))
        return json.dumps({"matches": whole_json(first), "packages": whole_json(second)})

    def read(self, text: str, item: Input, version: str) -> Report:
        both = mapping(whole_json(text), "the report")
        report, listing = (
            mapping(both.get("matches"), "the report"),
            mapping(both.get("packages"), "the listing"),
        )
        if "matches" not in report or listing.get("bomFormat") != "CycloneDX":
            raise ScannerError(Trouble.INVALID, "it has not the fields of a report")
        if item.kind is Kind.IMAGE:
            target = mapping(mapping(report.get("source"), "source").get("target"), "target")
            if target.get("imageID") != item.digest:
                raise ScannerError(Trouble.FOREIGN, f"it judged {target.get('imageID')}, not {item.digest}")
        if report.get("ignoredMatches"):
            raise ScannerError(Trouble.INVALID, "it left findings out by a configuration that is not ours")
        if unnamed := _unnamed(listing):
            raise ScannerError(
                Trouble.NO_DISTRIBUTION,
                f"{unnamed} packages are of a distribution that nothing names: it looked up none of them",
            )
        system = mapping(report.get("distro") or {}, "distro")
        return Report(
            scanner=self.name,
            version=version,
            packages=tuple(sorted(set(_packages(listing)))),
            claims=tuple(_claim(row) for row in rows(report["matches"], "matches")),
            distribution=f"{system.get('name') or ''} {system.get('version') or ''}".strip(),
            # It knows the end of a distribution only by the exact version; its silence says nothing.
            end_of_life=True if _ended(report) else None,
        )


def _packages(listing: Mapping[str, Any]) -> list[purl.Purl]:
    texts = (str(row.get("purl", "")) for row in rows(listing.get("components"), "components"))
    return [found for found in map(purl.parse, texts) if found is not None]


def _unnamed(listing: Mapping[str, Any]) -> int:
    """Count the packages of a distribution that have no package URL: syft gives none without os-release."""
    kinds = [{"name": TYPE, "value": kind} for kind in OF_A_DISTRIBUTION]
    return sum(
        any(said in kinds for said in rows(row.get("properties") or [], "properties"))
        for row in rows(listing.get("components"), "components")
        if not row.get("purl")
    )


def _ended(report: Mapping[str, Any]) -> bool:
    return any(
        alert.get("type") == "distro-eol"
        for row in rows(report.get("alertsByPackage"), "alertsByPackage")
        for alert in rows(row.get("alerts"), "alerts")
    )


def _source(namespace: str) -> str:
    """Name who says it as trivy does: debian:distro:debian:12 is debian, GitHub's advisories are ghsa."""
    first = namespace.partition(":")[0]
    return {"github": "ghsa"}.get(first, first)


def _claim(row: Mapping[str, Any]) -> Claim:
    found, package = (
        mapping(row.get("vulnerability"), "vulnerability"),
        mapping(row.get("artifact"), "artifact"),
    )
    if not found.get("id"):
        raise ScannerError(Trouble.INVALID, "a vulnerability has no name")
    related = rows(row.get("relatedVulnerabilities"), "relatedVulnerabilities")
    names = aliases.names(str(found["id"]), (str(one.get("id", "")) for one in related))
    vendor = _source(str(found.get("namespace", "")))
    severities = {vendor or "grype": parse(str(found.get("severity", "")))}
    for one in related:
        level, source = parse(str(one.get("severity", ""))), _source(str(one.get("namespace", "")))
        if aliases.normal(str(one.get("id", ""))) in names and level is not Severity.UNKNOWN:
            severities[source] = max(level, severities.get(source, level))
    fix = mapping(found.get("fix") or {}, "fix")
    locations = rows(package.get("locations"), "locations")
    primary = [one for one in locations if (one.get("annotations") or {}).get("evidence") == "primary"]
    return Claim(
        names=names,
        package=purl.parse(str(package.get("purl", "")))
        or purl.Purl("generic", str(package.get("name", "")), str(package.get("version", ""))),
        severities=severities,
        vendor=vendor,
        state=_STATES.get(str(fix.get("state", "")), FixState.UNKNOWN),
        fixes=tuple(str(version) for version in fix.get("versions") or ()),
        layer=next((str(one.get("layerID", "")) for one in locations), ""),
        paths=tuple(str(one["path"]) for one in primary if one.get("path")),
        title=str(found.get("description", ""))[:200],
        link=str(found.get("dataSource", "")),
        epss=_epss(found, related),
        exploited=any(one.get("knownExploited") for one in (found, *related)),
        spelled=json.dumps([str(package.get(key, "")) for key in ("type", "name", "version")]),
    )


def _epss(found: Mapping[str, Any], related: list[Mapping[str, Any]]) -> int | None:
    scores = [
        score["epss"]
        for one in (found, *related)
        for score in rows(one.get("epss"), "epss")
        if isinstance(score.get("epss"), int | float)
    ]
    return round(max(scores) * EPSS_PARTS) if scores else None
