# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from decimal import Decimal

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._policy import quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("100m", Decimal("0.1")),
        ("1", Decimal(1)),
        (2, Decimal(2)),
        (0.5, Decimal("0.5")),
        ("1Gi", Decimal(1024**3)),
        ("1.5Gi", Decimal(1024**3) * Decimal("1.5")),
        ("1G", Decimal(10**9)),
        ("1e3", Decimal(1000)),
        ("2E", Decimal(2 * 10**18)),
        ("12E-1", Decimal("1.2")),
        ("500u", Decimal("0.0005")),
    ],
)
def test_quantities_are_exact(text: str | float, number: Decimal) -> None:
    assert quantity.parse(text) == number


@pytest.mark.parametrize("text", ["", "ten", "1 Gi", "1.2.3", ".", "1mi", "0x10"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(RampartError, match="is not a Kubernetes quantity"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [(Decimal("0.1"), "100m"), (Decimal(3), "3"), (Decimal(2 * 1024**3), "2Gi"), (Decimal(0), "0")],
)
def test_what_is_shown_reads_back_as_it_was(number: Decimal, text: str) -> None:
    assert quantity.show(number) == text
    assert quantity.parse(quantity.show(number)) == number
