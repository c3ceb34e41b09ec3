# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One object's way: what is there, what a definition would make of it, and the act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.ordering import rank

CREATED, UPDATED, UNCHANGED, DELETED, ABSENT = "created", "updated", "unchanged", "deleted", "absent"


@dataclass(slots=True)
class Step:
    """What is to happen with one object, and why."""

    ref: Ref
    definition: dict[str, Any]
    resource: Resource | None = None
    live: dict[str, Any] | None = None
    action: str = UNCHANGED
    reason: str = ""
    after: dict[str, Any] | None = None
    # What it hangs on is made or changed by the same list: the server cannot try it out before.
    untried: bool = False
    error: RampartError | None = field(default=None, repr=False)

    @property
    def rank(self) -> int:
        """Its place in the order."""
        return rank(self.definition)

    @property
    def changes(self) -> bool:
        """Whether something is to be written."""
        return self.action in (CREATED, UPDATED, DELETED)

    @property
    def terminating(self) -> bool:
        """Whether the live object is on its way out."""
        return bool(self.live and self.live["metadata"].get("deletionTimestamp"))

    @property
    def path(self) -> str:
        """Where the object is; known as soon as its kind is served."""
        if self.resource is None:
            raise ValueError(f"{self.ref} has no resource yet")
        return self.resource.path(self.ref)

    @property
    def uid(self) -> str | None:
        """The identity of the live object."""
        return str(self.live["metadata"]["uid"]) if self.live else None

    def decide(self, action: str, reason: str) -> None:
        """Settle what happens."""
        self.action, self.reason = action, reason

    def as_result(self) -> dict[str, str]:
        """Return the step as plain data."""
        return {**self.ref.as_result(), "action": self.action, "reason": self.reason}
