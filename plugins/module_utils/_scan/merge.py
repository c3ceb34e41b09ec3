# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings the reports of all scanners together; where they disagree, it is said and not hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.rampart.k8s.plugins.module_utils._scan import aliases
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import (
    Claim,
    FixState,
    Licence,
    Merged,
    Report,
    Vulnerability,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.purl import Purl
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity, highest

# Packages of these kinds are seen by every scanner of packages. A report without any of them, where
# another one has some, comes from a scanner that saw nothing.
SEEN_BY_ALL = frozenset({"deb", "rpm", "apk", "pypi", "npm", "golang", "gem", "maven", "cargo"})

_STATES = (FixState.FIXED, FixState.NONE, FixState.REFUSED, FixState.UNKNOWN)


def merge(reports: Sequence[Report]) -> Merged:
    """Return the one view of a subject."""
    looked = [report for report in reports if report.packages or report.claims]
    sees_packages = sorted({report.scanner for report in reports if not report.tried})
    vulnerabilities = _vulnerabilities(reports, sees_packages)
    ends = {report.scanner: report.end_of_life for report in reports if report.end_of_life is not None}
    disagreements = []
    if len(set(ends.values())) > 1:
        says = sorted(name for name, ended in ends.items() if ended)
        denies = sorted(name for name, ended in ends.items() if not ended)
        disagreements.append(f"the distribution is at its end: {', '.join(says)} yes, {', '.join(denies)} no")
    return Merged(
        packages=tuple(sorted({package for report in reports for package in report.packages})),
        vulnerabilities=vulnerabilities,
        checks=tuple((report.scanner, check) for report in reports for check in report.checks),
        licences=_licences(reports),
        distribution=next((report.distribution for report in looked if report.distribution), ""),
        end_of_life=any(ends.values()),
        disagreements=tuple(disagreements),
        blind=blind(reports),
    )


def blind(reports: Sequence[Report]) -> Mapping[str, str]:
    """Name the scanners that saw no package where another one saw some of a kind that they know."""
    seen = {
        report.scanner: {package for package in report.packages if package.type in SEEN_BY_ALL}
        for report in reports
        if not report.tried
    }
    found = {}
    for scanner, packages in seen.items():
        others = {name: len(theirs) for name, theirs in seen.items() if name != scanner and theirs}
        if not packages and others:
            listed = ", ".join(f"{name} found {count}" for name, count in sorted(others.items()))
            found[scanner] = f"it found no package, but {listed}"
    return found


def _licences(reports: Sequence[Report]) -> tuple[Licence, ...]:
    found = {licence for report in reports for licence in report.licences}
    return tuple(sorted(found, key=lambda licence: (licence.name, licence.package)))


def _vulnerabilities(reports: Sequence[Report], scanners: Sequence[str]) -> tuple[Vulnerability, ...]:
    groups: dict[tuple[frozenset[str], Purl], dict[str, list[Claim]]] = {}
    known = aliases.joined(claim.names for report in reports for claim in report.claims)
    for report in reports:
        for claim in report.claims:
            key = known[claim.names[0]], claim.package
            groups.setdefault(key, {}).setdefault(report.scanner, []).append(claim)
    found = [_one(names, package, claims, scanners) for (names, package), claims in groups.items()]
    return tuple(sorted(found, key=lambda one: (-one.worst, one.name, one.package)))


def _one(
    names: frozenset[str], package: Purl, by_scanner: Mapping[str, Sequence[Claim]], scanners: Sequence[str]
) -> Vulnerability:
    claims = [claim for theirs in by_scanner.values() for claim in theirs]
    said = {scanner: _severities(theirs) for scanner, theirs in sorted(by_scanner.items())}
    fixed = {scanner: _fixes(theirs) for scanner, theirs in sorted(by_scanner.items())}
    return Vulnerability(
        names=names,
        name=aliases.shown(names),
        package=package,
        said=said,
        vendor_severity=highest(claim.severities.get(claim.vendor, Severity.UNKNOWN) for claim in claims),
        state=min((claim.state for claim in claims), key=_STATES.index),
        fixes=tuple(sorted({version for versions in fixed.values() for version in versions})),
        layer=next((claim.layer for claim in claims if claim.layer), ""),
        paths=tuple(sorted({path.lstrip("/") for claim in claims for path in claim.paths})),
        title=next((claim.title for claim in claims if claim.title), ""),
        link=next((claim.link for claim in claims if claim.link), ""),
        epss=max((claim.epss for claim in claims if claim.epss is not None), default=None),
        exploited=any(claim.exploited for claim in claims),
        spelled={
            scanner: tuple(sorted({claim.spelled for claim in theirs}))
            for scanner, theirs in by_scanner.items()
        },
        disagreements=_disagreements(said, fixed, scanners),
    )


def _severities(claims: Iterable[Claim]) -> dict[str, Severity]:
    found: dict[str, Severity] = {}
    for claim in claims:
        for source, level in claim.severities.items():
            found[source] = max(level, found.get(source, Severity.UNKNOWN))
    return found


def _fixes(claims: Iterable[Claim]) -> tuple[str, ...]:
    return tuple(sorted({version for claim in claims for version in claim.fixes}))


def _disagreements(
    said: Mapping[str, Mapping[str, Severity]], fixed: Mapping[str, tuple[str, ...]], scanners: Sequence[str]
) -> tuple[str, ...]:
    found = []
    silent = sorted(set(scanners) - set(said))
    if silent:
        found.append(f"only {', '.join(said)} reports it, {', '.join(silent)} does not")
    worst = {scanner: highest(sources.values()) for scanner, sources in said.items()}
    if len(set(worst.values())) > 1:
        found.append("severity: " + ", ".join(f"{scanner} {level}" for scanner, level in worst.items()))
    if len(set(fixed.values())) > 1:
        listed = (f"{scanner} {'/'.join(versions) or 'none'}" for scanner, versions in fixed.items())
        found.append("fix: " + ", ".join(listed))
    return tuple(found)
