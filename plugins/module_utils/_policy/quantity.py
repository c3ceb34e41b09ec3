# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Kubernetes quantities as exact numbers."""

from __future__ import annotations

import re
from decimal import Decimal

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_FORM = re.compile(r"([+-]?[0-9.]+)([eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE]?)")


def parse(value: str | int | float) -> Decimal:
    """Read a quantity (100m, 1Gi, 2, 1e3). Raises RampartError for anything else."""
    match = _FORM.fullmatch(str(value).strip())
    if match is None or match[1].count(".") > 1 or not any(char.isdigit() for char in match[1]):
        raise RampartError(
            f"{value!r} is not a Kubernetes quantity.",
            next_step="write a number with a suffix such as m, k, M, Mi or Gi",
        )
    number, suffix = Decimal(match[1]), match[2]
    if suffix in _BINARY:
        return number * Decimal(1024) ** _BINARY[suffix]
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix])
    return number.scaleb(int(suffix[1:]))


def show(number: Decimal) -> str:
    """Write a quantity the short way: whole numbers as they are, parts in thousandths."""
    if number == number.to_integral_value():
        whole = int(number)
        for suffix, power in reversed(_BINARY.items()):
            unit = 1024**power
            if whole and whole % unit == 0:
                return f"{whole // unit}{suffix}"
        return str(whole)
    return f"{int((number * 1000).to_integral_value(rounding='ROUND_CEILING'))}m"
