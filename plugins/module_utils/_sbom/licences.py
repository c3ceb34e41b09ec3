# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Judges licences: expressions as SPDX defines them, by lists of what is allowed and what is denied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import license_expression

NO_LICENCE = "no licence"


class Standing(IntEnum):
    """How a licence stands to the policy, from worst to best."""

    DENIED = 0
    UNKNOWN = 1
    ALLOWED = 2


@dataclass(frozen=True, slots=True)
class LicencePolicy:
    """What a project may carry. Names are SPDX identifiers and may hold wildcards."""

    # Without any, everything that is known and not denied is allowed.
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    # What becomes of packages without a licence, or with words that are no SPDX expression.
    unknown: str = "warn"

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> LicencePolicy:
        return cls(tuple(data["allow"]), tuple(data["deny"]), data["unknown"])

    def data(self) -> dict[str, Any]:
        return {"allow": sorted(self.allow), "deny": sorted(self.deny), "unknown": self.unknown}


@dataclass(frozen=True, slots=True)
class Component:
    """A package of an image with the licences that it declares; all of them hold."""

    name: str
    version: str
    licences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LicenceVerdict:
    """What the policy says of all components."""

    violations: list[str]
    warnings: list[str]
    counts: dict[str, int]


class Judge:
    """Evaluates expressions; the library's list of identifiers is read once."""

    def __init__(self, policy: LicencePolicy) -> None:
        self._policy = policy
        self._licensing = license_expression.get_spdx_licensing()
        self._known = known = {key.casefold() for key in self._licensing.known_symbols}
        for pattern in (*policy.allow, *policy.deny):
            names = pattern.casefold().split(" with ")
            if not any(fnmatchcase(key, names[0]) for key in known):
                raise RampartError(
                    f"The licence policy names {pattern!r}, which no SPDX identifier matches.",
                    next_step="write it as SPDX does, such as Apache-2.0 or GPL-3.0-*",
                )

    def standing(self, expression: str) -> Standing:
        """Judge one expression; of alternatives the best counts, of what holds together the worst."""
        try:
            parsed = self._licensing.parse(expression)
        except (
            license_expression.ExpressionError,
            license_expression.ExpressionParseError,
            license_expression.ParseError,
        ):
            # An expression that names what must not be there is denied, whatever else stands in it.
            return Standing.DENIED if self._names(expression, self._policy.deny) else Standing.UNKNOWN
        return Standing.UNKNOWN if parsed is None else self._evaluate(parsed)

    def _evaluate(self, node: Any) -> Standing:
        if isinstance(node, self._licensing.AND):
            return min(self._evaluate(part) for part in node.args)
        if isinstance(node, self._licensing.OR):
            return max(self._evaluate(part) for part in node.args)
        # A licence with an exception is a licence of its own: GPL-2.0-only is not what it is named by.
        name = node.render("{symbol.key}")
        if self._names(name, self._policy.deny):
            return Standing.DENIED
        if any(part.casefold() not in self._known for part in name.split(" WITH ")):
            return Standing.UNKNOWN
        if not self._policy.allow or self._names(name, self._policy.allow):
            return Standing.ALLOWED
        return Standing.DENIED

    @staticmethod
    def _names(name: str, patterns: Sequence[str]) -> bool:
        return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)

    def judge(self, components: Sequence[Component]) -> LicenceVerdict:
        """Judge every component."""
        violations, warnings = [], []
        counts = {standing.name.lower(): 0 for standing in Standing}
        for component in components:
            standings = [self.standing(licence) for licence in component.licences] or [Standing.UNKNOWN]
            worst = min(standings)
            counts[worst.name.lower()] += 1
            named = " AND ".join(component.licences) or NO_LICENCE
            sentence = f"{component.name} {component.version} carries {named}"
            if worst is Standing.DENIED:
                violations.append(f"{sentence}, which the policy does not allow")
            elif worst is Standing.UNKNOWN and self._policy.unknown == "deny":
                violations.append(f"{sentence}, which is not known")
            elif worst is Standing.UNKNOWN and self._policy.unknown == "warn":
                warnings.append(f"{sentence}, which is not known")
        return LicenceVerdict(violations, warnings, counts)
