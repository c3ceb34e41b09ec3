# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""How bad an incident is, and what that asks for. Pure; the steps are those of the guideline's workflow."""

from __future__ import annotations

LOW, MEDIUM, HIGH, CRITICAL = "low", "medium", "high", "critical"
SEVERITIES = (LOW, MEDIUM, HIGH, CRITICAL)

# What Falco calls it.
OF_PRIORITY = {
    "emergency": CRITICAL,
    "alert": CRITICAL,
    "critical": CRITICAL,
    "error": HIGH,
    "warning": MEDIUM,
    "notice": LOW,
    "informational": LOW,
    "debug": LOW,
}


def investigates(severity: str) -> bool:
    """Say whether evidence is taken; what is low is only logged and watched."""
    return severity != LOW


def contains(severity: str) -> bool:
    """Say whether the pod is cut off."""
    return severity in (HIGH, CRITICAL)
