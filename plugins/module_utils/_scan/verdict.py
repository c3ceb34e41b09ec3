# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a verdict depends on, and what it consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import Clock
from ansible_collections.rampart.k8s.plugins.module_utils._scan.exceptions import Exemption
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Fact, Merged, Vulnerability
from ansible_collections.rampart.k8s.plugins.module_utils._scan.policy import Policy
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import Failure

VULNERABILITY, CHECK, LICENCE, SCANNER = "vulnerability", "check", "licence", "scanner"
END_OF_LIFE, ROOT_USER, SIZE = "end-of-life", "root-user", "size"


class Outcome(StrEnum):
    """What a finding comes to."""

    BLOCKED = "blocked"
    ALLOWED = "allowed"
    EXCEPTED = "excepted"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding with what the policy makes of it."""

    kind: str
    name: str
    target: str
    severity: Severity | None
    outcome: Outcome
    why: str
    title: str = ""
    fix: str = ""
    due: datetime | None = None
    first_seen: datetime | None = None
    exemption: str = ""
    scanners: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()
    vulnerability: Vulnerability | None = None
    next_step: str = ""

    def __str__(self) -> str:
        head = f"{self.name} ({self.severity})" if self.severity is not None else self.name
        parts = [f"{head} in {self.target}" if self.target else head, self.why]
        if self.kind == VULNERABILITY:
            parts.append(f"fixed in {self.fix}" if self.fix else "no fix")
        if self.due is not None:
            parts.append(f"due {self.due:%Y-%m-%dT%H:%M:%SZ}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Database:
    """What is known of a scanner's database."""

    version: str
    built: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict about one subject."""

    verdict: str
    findings: tuple[Finding, ...]
    used: tuple[Exemption, ...] = ()
    stale: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()

    @property
    def violations(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.outcome is Outcome.BLOCKED)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a verdict depends on."""

    fact: Fact
    merged: Merged
    policy: Policy
    exemptions: Sequence[Exemption]
    clock: Clock
    now: datetime
    failures: Sequence[Failure] = ()
    databases: Mapping[str, Database] = field(default_factory=dict)
    ran: frozenset[str] = frozenset()
    expect_packages: bool = True
