# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the person asked for, as far as it holds for all namespaces."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Graph
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Settings
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import Observed


@dataclass(frozen=True, slots=True)
class Order:
    """One task's wish."""

    scope: str
    reason: str
    rotation: str
    # Whether the id was given: what bears it already is then done.
    is_named: bool = False
    # Only secrets that one of these uses, each as Kind/name.
    consumed_by: tuple[str, ...] = ()
    lock_timeout: int = 0
    settings: Settings = field(default_factory=Settings)

    @property
    def is_incident(self) -> bool:
        """Whether the old ones are in foreign hands."""
        return self.reason == "incident"

    def concerns(self, observed: Observed, graph: Graph) -> bool:
        """Say whether a secret is one of those that are meant."""
        if not self.consumed_by:
            return True
        users = {f"{one.kind}/{one.name}" for one in graph.get(observed.object_name) or []}
        return not users.isdisjoint(self.consumed_by)
