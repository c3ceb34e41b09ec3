# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""How bad a finding is, in one scale for all scanners."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Severity(IntEnum):
    """Ordered, but for UNKNOWN: nobody has said anything, which is not the same as harmless."""

    UNKNOWN = 0
    NEGLIGIBLE = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    def __str__(self) -> str:
        return self.name


_WORDS = {
    **{severity.name: severity for severity in Severity},
    # Other words for the same, as distributions and linters use them.
    "MODERATE": Severity.MEDIUM,
    "IMPORTANT": Severity.HIGH,
    "FATAL": Severity.HIGH,
    "ERROR": Severity.HIGH,
    "WARN": Severity.MEDIUM,
    "WARNING": Severity.MEDIUM,
    "INFO": Severity.LOW,
    "STYLE": Severity.NEGLIGIBLE,
    "UNIMPORTANT": Severity.NEGLIGIBLE,
}


def parse(word: str) -> Severity:
    """Read a scanner's word; one that nobody knows is UNKNOWN, and UNKNOWN blocks."""
    return _WORDS.get(word.strip().upper(), Severity.UNKNOWN)


def highest(claims: Iterable[Severity]) -> Severity:
    """Return the worst claim; silence of one source does not take back what another says."""
    return max(claims, default=Severity.UNKNOWN)
