# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""How long evidence is kept: three classes, and which gate's records belong to which."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType

SECURITY = "security_7y"
OPERATIONS = "operations_2y"
AUDIT = "audit_10y"

YEARS = MappingProxyType({SECURITY: 7, OPERATIONS: 2, AUDIT: 10})

# What guards the cluster is security evidence; only what differs from that is listed.
_GATES = MappingProxyType(
    {
        "access_verify": AUDIT,
        "cis_benchmark": AUDIT,
        "pod_security_check": OPERATIONS,
        "policy_check": OPERATIONS,
        "quota_check": OPERATIONS,
    }
)


def of_gate(gate: str) -> str:
    """Return the class that a gate's records are kept in."""
    return _GATES.get(gate, SECURITY)


def end_of(retention: str, year: int) -> datetime:
    """Return the moment from which what was recorded in a year may be deleted."""
    return datetime(year + 1 + YEARS[retention], 1, 1, tzinfo=UTC)
