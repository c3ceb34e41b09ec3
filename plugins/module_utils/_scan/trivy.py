# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""trivy: packages, vulnerabilities, licences, the end of a distribution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._scan import aliases, purl
from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import (
    Adapter,
    Input,
    mapping,
    rows,
    whole_json,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import (
    Claim,
    FixState,
    Kind,
    Licence,
    Report,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity, parse
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble

SCHEMA = 2

# trivy's numbers for severities; 0 is unknown.
_LEVELS = (Severity.UNKNOWN, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)

_STATES = {
    "fixed": FixState.FIXED,
    "affected": FixState.NONE,
    "fix_deferred": FixState.NONE,
    "will_not_fix": FixState.REFUSED,
    "end_of_life": FixState.REFUSED,
}


class Trivy(Adapter):
    """Reads `trivy image` and `trivy sbom`."""

    name = "trivy"
    versions = ">=0.74.0,<0.75"
    kinds = frozenset({Kind.IMAGE, Kind.SBOM})
    has_database = True
    meanings = (
        ("context deadline exceeded", Trouble.TIMEOUT),
        ("failed to download vulnerability DB", Trouble.NO_DATABASE),
        ("cannot be specified on the first run", Trouble.NO_DATABASE),
        ("failed to open db", Trouble.CORRUPT_DATABASE),
        ("invalid database", Trouble.CORRUPT_DATABASE),
        ("database schema", Trouble.CORRUPT_DATABASE),
        # The store of its database gives up when a page is not what it should be.
        ("assertion failed: Page", Trouble.CORRUPT_DATABASE),
    )

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def arguments(self, item: Input, report: Path, timeout: float) -> list[str]:
        source = ["image", "--input"] if item.kind is Kind.IMAGE else ["sbom"]
        scanners = "vuln,license" if item.kind is Kind.IMAGE else "vuln"
        return [
            *source,
            str(item.path),
            f"--cache-dir={self._cache}",
            f"--scanners={scanners}",
            "--list-all-pkgs",
            "--format=json",
            f"--output={report}",
            f"--timeout={int(timeout)}s",
            "--skip-db-update",
            "--skip-java-db-update",
            "--skip-version-check",
            "--offline-scan",
            "--no-progress",
        ]

    def read(self, text: str, item: Input, version: str) -> Report:
        report = mapping(whole_json(text), "the report")
        if report.get("SchemaVersion") != SCHEMA:
            raise ScannerError(Trouble.INVALID, f"its schema is {report.get('SchemaVersion')}, not {SCHEMA}")
        about = mapping(report.get("Metadata") or {}, "Metadata")
        if item.kind is Kind.IMAGE and about.get("ImageID") != item.digest:
            raise ScannerError(Trouble.FOREIGN, f"it judged {about.get('ImageID')}, not {item.digest}")
        system = mapping(about.get("OS") or {}, "OS")
        results = rows(report.get("Results"), "Results")
        return Report(
            scanner=self.name,
            version=version,
            packages=tuple(sorted(set(_packages(results)))),
            claims=tuple(_claims(results)),
            licences=tuple(_licences(results)),
            distribution=f"{system.get('Family', '')} {system.get('Name', '')}".strip(),
            end_of_life=bool(system.get("EOSL")) if system else None,
        )


def _package(row: Mapping[str, Any], identifier: str, name: str, version: str) -> purl.Purl:
    text = mapping(row.get(identifier) or {}, identifier).get("PURL") or ""
    return purl.parse(str(text)) or purl.Purl("generic", str(row.get(name, "")), str(row.get(version, "")))


def _packages(results: Iterable[Mapping[str, Any]]) -> Iterable[purl.Purl]:
    for result in results:
        for row in rows(result.get("Packages"), "Packages"):
            yield _package(row, "Identifier", "Name", "Version")


def _claims(results: Iterable[Mapping[str, Any]]) -> Iterable[Claim]:
    for result in results:
        for row in rows(result.get("Vulnerabilities"), "Vulnerabilities"):
            yield _claim(row)


def _claim(row: Mapping[str, Any]) -> Claim:
    if not row.get("VulnerabilityID"):
        raise ScannerError(Trouble.INVALID, "a vulnerability has no name")
    given = mapping(row.get("VendorSeverity") or {}, "VendorSeverity")
    severities = {source: _level(number) for source, number in given.items()}
    vendor = str(
        row.get("SeveritySource") or mapping(row.get("DataSource") or {}, "DataSource").get("ID", "")
    )
    # What trivy itself shows counts too: it may know more than the sources it names.
    severities.setdefault(vendor or "trivy", parse(str(row.get("Severity", ""))))
    fixes = tuple(part.strip() for part in str(row.get("FixedVersion") or "").split(",") if part.strip())
    state = _STATES.get(str(row.get("Status", "")), FixState.UNKNOWN)
    return Claim(
        names=aliases.names(str(row["VulnerabilityID"]), map(str, row.get("VendorIDs") or ())),
        package=_package(row, "PkgIdentifier", "PkgName", "InstalledVersion"),
        severities=severities,
        vendor=vendor,
        state=FixState.FIXED if fixes else (FixState.NONE if state is FixState.FIXED else state),
        fixes=fixes,
        layer=str(mapping(row.get("Layer") or {}, "Layer").get("DiffID", "")),
        paths=(str(row["PkgPath"]),) if row.get("PkgPath") else (),
        title=str(row.get("Title", ""))[:200],
        link=str(row.get("PrimaryURL", "")),
        spelled=str(mapping(row.get("PkgIdentifier") or {}, "PkgIdentifier").get("PURL", "")),
    )


def _level(number: Any) -> Severity:
    return _LEVELS[number] if isinstance(number, int) and 0 <= number < len(_LEVELS) else Severity.UNKNOWN


def _licences(results: Iterable[Mapping[str, Any]]) -> Iterable[Licence]:
    found = {
        Licence(str(row.get("Name", "")), str(row.get("PkgName") or row.get("FilePath") or ""))
        for result in results
        for row in rows(result.get("Licenses"), "Licenses")
        if row.get("Name")
    }
    return sorted(found, key=lambda licence: (licence.name, licence.package))
