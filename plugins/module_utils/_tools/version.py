# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Compares the version that a tool says with the versions that are accepted."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

_OPERATORS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"(==|>=|<=|>|<)\s*v?(\d+(?:\.\d+)*)")
_PRE_RELEASE = re.compile(r"^v?[\d.]+-(alpha|beta|rc|dev|pre)", re.IGNORECASE)
_NUMBERS = re.compile(r"v?(\d+(?:\.\d+)*)")

# A version in what a tool prints: 1.36.3, v3.7.3, 0.12.0-rc.1; go1.26.8 is the compiler's.
SAID = re.compile(r"(?<![\w.])v?(\d+\.\d+(?:\.\d+)?(?:[-+][\w.+-]*)?)")


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, without zeros at the end, so that 1.2 equals 1.2.0."""
    found = _NUMBERS.match(version)
    if not found:
        raise RampartError(f"{version!r} is not a version.", next_step="write it as numbers, like 1.2.3")
    parts = [int(part) for part in found.group(1).split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def accepts(accept: str, version: str) -> bool:
    """Tell whether a version meets every condition, like ``>=1.1,<2``; a pre-release meets none."""
    if _PRE_RELEASE.match(version):
        return False
    said = numbers(version)
    for condition in accept.split(","):
        found = _CONDITION.fullmatch(condition.strip())
        if not found:
            raise RampartError(
                f"{accept!r} is not a range of versions.",
                next_step="write conditions like ==1.2.3 or >=1.1,<2",
            )
        if not _OPERATORS[found.group(1)](said, numbers(found.group(2))):
            return False
    return True
