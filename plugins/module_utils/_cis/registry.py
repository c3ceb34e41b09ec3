# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The list of our own checks: each answers one control, or says nothing when it cannot know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cis.api import Api
from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import Host
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Finding, Status

# Evidence names some objects and counts the rest.
NAMED = 12


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a check may look at."""

    host: Host | None
    api: Api
    # The verdict of encryption_census_info, when it was taken.
    census: Mapping[str, Any] = field(default_factory=dict)
    # Whose powers are meant: patterns such as "User:system:*" or "ServiceAccount:kube-system/*".
    trusted_subjects: tuple[str, ...] = ()
    # Namespaces of the system itself, in which the benchmark's rules for workloads do not hold.
    system_namespaces: tuple[str, ...] = ()

    def trusts(self, subject: str) -> bool:
        """Tell whether a subject's powers are meant."""
        return any(fnmatchcase(subject, pattern) for pattern in self.trusted_subjects)


Check = Callable[[Facts], "Finding | None"]

CHECKS: dict[str, Check] = {}


def answers(*ids: str) -> Callable[[Check], Check]:
    """Register a check for its controls."""

    def register(check: Check) -> Check:
        for control in ids:
            if control in CHECKS:
                raise ValueError(f"two checks answer {control}")
            CHECKS[control] = check
        return check

    return register


def some(things: list[str]) -> tuple[str, ...]:
    """Return the first of many things and the number of the rest."""
    rest = len(things) - NAMED
    return (*things[:NAMED], f"and {rest} more") if rest > 0 else tuple(things)


def fails_on(found: list[str], otherwise: str) -> Finding:
    """Fail with what was found, or pass with a sentence that says what was looked at."""
    return Finding(Status.FAIL, some(found)) if found else Finding(Status.PASS, (otherwise,))


def warns_on(found: list[str], otherwise: str) -> Finding:
    """Warn with what was found, or pass with a sentence that says what was looked at."""
    return Finding(Status.WARN, some(found)) if found else Finding(Status.PASS, (otherwise,))
