# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The normal form: what scanners say, in one shape, as plain data that can be kept and read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._scan.purl import Purl
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity, highest

# Of findings and reports; a report that was kept in another form is not read.
FORM = 1


class Kind(StrEnum):
    """What is judged."""

    IMAGE = "image"
    SBOM = "sbom"
    DOCKERFILE = "dockerfile"


class FixState(StrEnum):
    """What the package's maintainers say about a repair."""

    FIXED = "fixed"
    NONE = "not fixed"
    REFUSED = "will not be fixed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one scanner says about one vulnerability of one package."""

    names: tuple[str, ...]
    package: Purl
    # Who calls it how bad: debian, nvd, ghsa...
    severities: Mapping[str, Severity]
    # Whose word counts for this package: its distribution or its registry.
    vendor: str
    state: FixState = FixState.UNKNOWN
    fixes: tuple[str, ...] = ()
    layer: str = ""
    paths: tuple[str, ...] = ()
    title: str = ""
    link: str = ""
    # In hundredths of a percent: kept whole, since evidence knows no fractions.
    epss: int | None = None
    exploited: bool = False
    # The package as this scanner itself spells it, for exceptions in its own format.
    spelled: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            **{
                **data,
                "names": tuple(data["names"]),
                "package": Purl(**data["package"]),
                "severities": {source: Severity(level) for source, level in data["severities"].items()},
                "state": FixState(data["state"]),
                "fixes": tuple(data["fixes"]),
                "paths": tuple(data["paths"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Check:
    """A misconfiguration or a finding of a linter."""

    rule: str
    severity: Severity
    title: str
    details: tuple[str, ...] = ()
    path: str = ""
    line: int = 0

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "severity": Severity(data["severity"]), "details": tuple(data["details"])})


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence of a package."""

    name: str
    package: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Report:
    """All that one scanner says about one subject."""

    scanner: str
    version: str
    packages: tuple[Purl, ...] = ()
    claims: tuple[Claim, ...] = ()
    checks: tuple[Check, ...] = ()
    licences: tuple[Licence, ...] = ()
    distribution: str = ""
    # None: this scanner does not say.
    end_of_life: bool | None = None
    # How many checks were tried; 0 for a scanner that tries none.
    tried: int = 0
    notes: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {"form": FORM, **asdict(self)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read plain data back; raises KeyError, TypeError or ValueError for another form."""
        if data["form"] != FORM:
            raise ValueError("another form")
        fields = {name: value for name, value in data.items() if name != "form"}
        return cls(
            **{
                **fields,
                "packages": tuple(Purl(**one) for one in data["packages"]),
                "claims": tuple(Claim.of(one) for one in data["claims"]),
                "checks": tuple(Check.of(one) for one in data["checks"]),
                "licences": tuple(Licence.of(one) for one in data["licences"]),
                "notes": tuple(data["notes"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability of one package, as all scanners together see it."""

    names: frozenset[str]
    name: str
    package: Purl
    # Scanner to source to severity; a scanner that says nothing is not in it.
    said: Mapping[str, Mapping[str, Severity]]
    vendor_severity: Severity
    state: FixState
    fixes: tuple[str, ...]
    layer: str
    paths: tuple[str, ...]
    title: str
    link: str
    epss: int | None
    exploited: bool
    # Scanner to its own spellings of the package.
    spelled: Mapping[str, tuple[str, ...]]
    # What the scanners do not agree about, in sentences.
    disagreements: tuple[str, ...] = ()

    @property
    def worst(self) -> Severity:
        """The highest claim of anybody."""
        return highest(level for sources in self.said.values() for level in sources.values())

    def severity(self, rule: str) -> Severity:
        """The severity that a policy uses: the worst claimed, or the vendor's where it has one."""
        if rule == "vendor" and self.vendor_severity is not Severity.UNKNOWN:
            return self.vendor_severity
        return self.worst

    @property
    def fix(self) -> str:
        """The versions that repair it, the nearest first; empty when there is none."""
        return " or ".join(_nearest(self.fixes, self.package.version)) if self.state is FixState.FIXED else ""


def _nearest(fixes: tuple[str, ...], installed: str) -> list[str]:
    """Leave out the repairs of branches that lie behind; of two spellings nobody can be sure."""

    def numbers(version: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", version)]

    ordered = sorted(fixes, key=numbers)
    return [version for version in ordered if numbers(version) > numbers(installed)] or ordered


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of the subject without any scanner."""

    kind: Kind
    digest: str
    size: int = 0
    user: str = ""
    dockerfile: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """What all scanners together say."""

    packages: tuple[Purl, ...] = ()
    vulnerabilities: tuple[Vulnerability, ...] = ()
    checks: tuple[tuple[str, Check], ...] = ()
    licences: tuple[Licence, ...] = ()
    distribution: str = ""
    end_of_life: bool = False
    disagreements: tuple[str, ...] = ()
    # Scanners whose reports cannot be true, with the reason.
    blind: Mapping[str, str] = field(default_factory=dict)
