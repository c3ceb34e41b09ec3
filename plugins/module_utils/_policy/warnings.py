# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads what the API server warns of: its own judgement, in its own words."""

from __future__ import annotations

import re

# RFC 7234, 5.5: code, agent, quoted text. Several of them stand in one header, with commas between.
_WARNING = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")

_TEMPLATE = re.compile(r'would violate PodSecurity "[^"]*": (.*)', re.DOTALL)
_REFUSED = re.compile(r'violates PodSecurity "[^"]*": (.*)', re.DOTALL)
_NAMESPACE = re.compile(r"existing pods in namespace .* violate the new PodSecurity enforce level")


def parse(header: str) -> list[str]:
    """Return the texts of a Warning header."""
    return [_ESCAPED.sub(r"\1", text) for text in _WARNING.findall(header or "")]


def of_template(warnings: list[str], refusal: str = "") -> str:
    """Return why a pod or a template breaks the level, or nothing."""
    for text in warnings:
        match = _TEMPLATE.search(text)
        if match:
            return match[1]
    match = _REFUSED.search(refusal)
    return match[1] if match else ""


def of_namespace(warnings: list[str]) -> list[str]:
    """Return which live pods the server names when the level is tried on their namespace.

    It names one pod for all that break the same rules ("a (and 2 other pods): ...").
    """
    for position, text in enumerate(warnings):
        if _NAMESPACE.match(text):
            return warnings[position + 1 :]
    return []
