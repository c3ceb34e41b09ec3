# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What an environment allows: data, read once and hashed, so that a verdict names the policy behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._sbom.licences import Judge, LicencePolicy
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity

# The guideline's times to repair, in hours from when a vulnerability was first seen.
DUE_HOURS = MappingProxyType({"critical": 4, "high": 24, "medium": 7 * 24, "low": 30 * 24})

SEVERITY_RULES = ("highest", "vendor")


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one environment; the defaults are the guideline's."""

    block_critical: bool = True
    block_high: bool = True
    # A medium one passes only while a repair exists and is not yet due.
    allow_medium_with_fix: bool = True
    severity: str = "highest"
    due_hours: Mapping[str, int] = field(default_factory=lambda: dict(DUE_HOURS))
    # From which severity on a misconfiguration or a linter's finding blocks.
    block_checks_from: str = "high"
    # Checks that say something about the machine that checks, and nothing about the image.
    not_about_images: tuple[str, ...] = ("CIS-DI-0005",)
    denied_licences: tuple[str, ...] = ()
    allowed_licences: tuple[str, ...] = ()
    block_end_of_life: bool = True
    block_root: bool = True
    max_size_mb: int = 0
    required_scanners: tuple[str, ...] = ("trivy", "grype", "dockle", "hadolint")
    require_dockerfile: bool = False
    # grype's own limit.
    max_database_hours: int = 120
    allow_stale_database: bool = False

    @property
    def checks_from(self) -> Severity:
        return Severity[self.block_checks_from.upper()]

    @property
    def licences(self) -> LicencePolicy:
        return LicencePolicy(allow=self.allowed_licences, deny=self.denied_licences)

    def due(self, level: Severity) -> timedelta:
        """Return the time to repair. What is negligible has the time of what is low; unknown has none."""
        if level is Severity.UNKNOWN:
            return timedelta(0)
        word = "low" if level is Severity.NEGLIGIBLE else level.name.lower()
        return timedelta(hours=self.due_hours[word])

    def as_data(self) -> dict[str, Any]:
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    @property
    def digest(self) -> str:
        """Name exactly this policy."""
        return digest(self.as_data())


def parse(data: Mapping[str, Any]) -> Policy:
    """Read a policy; raises RampartError for a rule that would not hold what it promises."""
    given = {name: value for name, value in data.items() if value is not None}
    told = given.pop("due_hours", None) or {}
    hours = {**DUE_HOURS, **{word: value for word, value in told.items() if value is not None}}
    unknown = sorted(set(hours) - set(DUE_HOURS))
    if unknown or any(not isinstance(value, int) or value < 0 for value in hours.values()):
        raise RampartError(
            f"The times to repair ({', '.join(unknown) or 'due_hours'}) are not hours by severity.",
            next_step=f"give whole hours for {', '.join(DUE_HOURS)}",
        )
    ordered = [hours[word] for word in DUE_HOURS]
    if ordered != sorted(ordered):
        raise RampartError(
            "The policy gives more time for a worse vulnerability than for a lesser one.",
            next_step="order due_hours from critical to low",
        )
    tuples = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    policy = Policy(**{**given, **tuples, "due_hours": hours})
    if policy.denied_licences or policy.allowed_licences:
        # A name that SPDX does not know would never match: it is refused before anything is scanned.
        Judge(policy.licences)
    return policy
