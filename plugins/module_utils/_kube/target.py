# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What is waited for, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube import causes, readiness
from ansible_collections.rampart.k8s.plugins.module_utils._kube.causes import Cause
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.readiness import FAILED, PROGRESSING, State


@dataclass(frozen=True, slots=True)
class Target:
    """An object to wait for, and when it counts as ready."""

    ref: Ref
    resource: Resource
    condition: str = ""
    condition_status: str = "True"
    # Whether somebody is still to make it; otherwise its absence is a failure.
    awaited: bool = True
    # Whether it is to have done its work, which a pod that is ready has not.
    finished: bool = False

    @property
    def path(self) -> str:
        """Where it is."""
        return self.resource.path(self.ref)

    @property
    def collection(self) -> str:
        """Where all of its kind are."""
        return self.resource.collection(self.ref.namespace)

    def judge(self, live: Mapping[str, Any] | None) -> State:
        """Judge what is there by the rule of this target."""
        if live is None and not self.awaited:
            return State(FAILED, "it does not exist")
        if live is None:
            return State(PROGRESSING, "it does not exist yet")
        if not self.awaited and live["metadata"].get("deletionTimestamp"):
            held = ", ".join(live["metadata"].get("finalizers") or []) or "its grace period"
            return State(FAILED, f"it is being deleted, held by {held}, and nobody will make it again")
        named = {"apiVersion": self.ref.api_version, "kind": self.ref.kind, **live}
        if self.condition:
            return readiness.by_condition(named, self.condition, self.condition_status)
        return readiness.finished(named) if self.finished else readiness.evaluate(named)


# Sets a target going: what is done with it before it is waited for.
Begin = Callable[[Target], None]
# Is told of a target that will not become ready, before the next one is set going.
Failed = Callable[[Target, RampartError], None]


@dataclass(slots=True)
class Watched:
    """What is known of a target."""

    target: Target
    live: dict[str, Any] | None = None
    state: State = field(default_factory=lambda: State(PROGRESSING, "it was not looked at yet"))
    deadline: float = 0.0
    # Why it is waited for no longer, although it is not ready.
    error: RampartError | None = None

    def see(self, live: dict[str, Any] | None) -> None:
        """Take note of the object as it is now."""
        self.live, self.state = live, self.target.judge(live)

    @property
    def is_workload(self) -> bool:
        """Whether it stands for pods."""
        return (self.target.ref.group, self.target.ref.kind) in causes.WORKLOADS

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.state.ready or self.error is not None

    def as_result(self) -> dict[str, str]:
        """Return it as plain data."""
        return {**self.target.ref.as_result(), "phase": self.state.phase, "reason": self.state.message}


class NotReadyError(RampartError):
    """One of several objects failed, or they are late; what was seen of all of them is in ``watched``."""

    def __init__(
        self, message: str, watched: list[Watched], *, cause: Cause | None = None, **details: Any
    ) -> None:
        super().__init__(message, objects=[each.as_result() for each in watched], **details)
        self.watched = watched
        # Known only where the cause shows in a container.
        self.cause = cause
