# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""When each object of a release counts as ready: by the rules of its kind, or by what is declared for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import Target


@dataclass(frozen=True, slots=True)
class Rule:
    """What somebody knows of a kind that its own status does not say."""

    api_version: str
    kind: str
    name: str
    condition: str
    condition_status: str
    optional: bool

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        return cls(**{key: entry[key] for key in cls.__slots__})

    def covers(self, ref: Ref) -> bool:
        return (
            fnmatchcase(ref.kind, self.kind)
            and fnmatchcase(ref.name, self.name)
            and self.api_version in ("", ref.api_version)
        )


def rule_of(ref: Ref, rules: Sequence[Rule]) -> Rule | None:
    """Return the rule for an object; of several the first counts."""
    return next((rule for rule in rules if rule.covers(ref)), None)


def targets(resources: Iterable[tuple[Ref, Resource]], rules: Sequence[Rule]) -> list[Target]:
    """Return what is to be waited for; Helm has made everything by then, so what is absent is missing."""
    found = []
    for ref, resource in resources:
        rule = rule_of(ref, rules)
        if rule is None:
            found.append(Target(ref, resource, awaited=False))
        elif not rule.optional:
            found.append(Target(ref, resource, rule.condition, rule.condition_status, awaited=False))
    return found
