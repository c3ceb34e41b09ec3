# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Waits until objects are ready, and no longer than the cause of a failure is unknown."""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._kube import causes, readiness, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.causes import Cause
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.readiness import FAILED, PROGRESSING, State

# After the verdict, the last event is still asked for. A server that is frozen must not hold us up.
LAST_EVENT_SECONDS = 2.0


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

    def judge(self, live: Mapping[str, Any] | None) -> State:
        """Judge what is there by the rule of this target."""
        if live is None and not self.awaited:
            return State(FAILED, "it does not exist")
        if live is None:
            return State(PROGRESSING, "it does not exist yet")
        named = {"apiVersion": self.ref.api_version, "kind": self.ref.kind, **live}
        if self.condition:
            return readiness.by_condition(named, self.condition, self.condition_status)
        return readiness.finished(named) if self.finished else readiness.evaluate(named)


@dataclass(slots=True)
class Watched:
    """What is known of a target."""

    target: Target
    live: dict[str, Any] | None = None
    state: State = field(default_factory=lambda: State(PROGRESSING, "it was not looked at yet"))

    def see(self, live: dict[str, Any] | None) -> None:
        """Take note of the object as it is now."""
        self.live, self.state = live, self.target.judge(live)

    @property
    def is_workload(self) -> bool:
        """Whether it stands for pods."""
        return (self.target.ref.group, self.target.ref.kind) in causes.WORKLOADS

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


Place = tuple[str, tuple[tuple[str, str], ...]]


class Waiter:
    """Follows targets, the pods of workloads, and what is refused to them."""

    def __init__(self, client: Client, progress: Progress) -> None:
        self._client = client
        self._progress = progress
        self._queue: queue.SimpleQueue[tuple[Place, watching.Event | Exception]] = queue.SimpleQueue()
        self._followed: set[Place] = set()
        self._events_until = 0.0

    def look(self, targets: Iterable[Target]) -> list[Watched]:
        """Judge the targets as they are now."""
        watched = [Watched(target) for target in targets]

        def read(one: Watched) -> None:
            path = one.target.resource.path(one.target.ref)
            one.see(self._client.find(path, target=str(one.target.ref)))

        self._client.map(read, watched)
        return watched

    def run(self, targets: Iterable[Target], timeout: float) -> list[Watched]:
        """Return when all are ready; raise as soon as one cannot become ready, or on timeout."""
        with self._client.transport.within(timeout):
            return self._run(targets, timeout)

    def _run(self, targets: Iterable[Target], timeout: float) -> list[Watched]:
        deadline = time.monotonic() + timeout
        watched = self.look(targets)
        self._refuse_failed(watched)
        waiting = [one for one in watched if not one.state.ready]
        if not waiting:
            return watched
        by_place = self._follow_objects(waiting, deadline)
        while waiting:
            try:
                place, event = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise self._late(waiting, watched, timeout) from None
            if isinstance(event, Exception):
                if time.monotonic() >= deadline:
                    raise self._late(waiting, watched, timeout) from event
                raise event
            if place in by_place:
                self._take(by_place[place], event)
                self._refuse_failed(watched)
                self._follow_pods(by_place[place], deadline)
            else:
                self._look_for_cause(waiting, event, watched)
            waiting = self._still_waiting(waiting)
        return watched

    def _still_waiting(self, waiting: list[Watched]) -> list[Watched]:
        for one in waiting:
            if one.state.ready:
                self._progress.say(f"{one.target.ref}: {one.state.message}")
        return [one for one in waiting if not one.state.ready]

    def _take(self, group: list[Watched], event: watching.Event) -> None:
        found = {
            (item["metadata"].get("namespace"), item["metadata"]["name"]): item for item in event.objects
        }
        for one in group:
            live = found.get((one.target.ref.namespace, one.target.ref.name))
            if live is not None:
                one.see(None if event.type == "DELETED" else live)
            elif event.type == "LIST":
                one.see(None)

    def _follow_objects(self, waiting: list[Watched], deadline: float) -> dict[Place, list[Watched]]:
        """Open one watch for each kind and namespace, not one for each object."""
        groups: dict[str, list[Watched]] = defaultdict(list)
        for one in waiting:
            groups[one.target.resource.collection(one.target.ref.namespace)].append(one)
        places: dict[Place, list[Watched]] = {}
        for path, group in groups.items():
            names = {one.target.ref.name for one in group}
            query = {"fieldSelector": f"metadata.name={names.pop()}"} if len(names) == 1 else {}
            place = (path, tuple(query.items()))
            places[place] = group
            self._follow(place, deadline)
        return places

    def _follow_pods(self, group: list[Watched], deadline: float) -> None:
        for one in group:
            if one.is_workload and one.live and not one.state.ready:
                root = f"/api/v1/namespaces/{one.target.ref.namespace}"
                self._follow((f"{root}/pods", ()), deadline)
                self._follow((f"{root}/events", (("fieldSelector", "reason=FailedCreate"),)), deadline)

    def _follow(self, place: Place, deadline: float) -> None:
        if place in self._followed:
            return
        self._followed.add(place)

        def work() -> None:
            try:
                for event in watching.follow(self._client, place[0], dict(place[1]), deadline):
                    self._queue.put((place, event))
            except Exception as error:
                self._queue.put((place, error))

        # A thread that sits in a read must not keep the module from ending.
        threading.Thread(target=work, daemon=True).start()

    def _look_for_cause(self, waiting: list[Watched], event: watching.Event, watched: list[Watched]) -> None:
        for item in event.objects:
            for one in waiting:
                if not one.is_workload or not one.live or event.type == "DELETED":
                    continue
                if "involvedObject" in item:
                    # Events of the list may be of an earlier try; a controller that is still refused
                    # says it again at once.
                    said = causes.refused_pods(item, one.live["metadata"]["uid"])
                    if said and event.type != "LIST":
                        raise self._failed(one, f"its pods are refused: {said}", watched)
                elif cause := self._pod_cause(one, item):
                    raise self._failed(one, cause.sentence, watched, cause)

    def _pod_cause(self, one: Watched, pod: dict[str, Any]) -> Cause | None:
        metadata = pod["metadata"]
        spec = (one.live or {}).get("spec") or {}
        if metadata.get("namespace") != one.target.ref.namespace:
            return None
        if not causes.selects(spec.get("selector") or {}, metadata.get("labels") or {}):
            return None
        cause = causes.pod_cause(pod)
        if cause is None:
            return None
        # The pod may be newer than what we saw last of its workload.
        workload = self._client.find(one.target.resource.path(one.target.ref)) or {}
        named = {"kind": one.target.ref.kind, **workload}
        return cause if causes.is_current(named, pod, self._owner(pod)) else None

    def _owner(self, pod: dict[str, Any]) -> dict[str, Any] | None:
        for owner in pod["metadata"].get("ownerReferences") or []:
            if owner.get("kind") == "ReplicaSet":
                namespace = pod["metadata"]["namespace"]
                return self._client.find(f"/apis/apps/v1/namespaces/{namespace}/replicasets/{owner['name']}")
        return None

    def _refuse_failed(self, watched: list[Watched]) -> None:
        for one in watched:
            if one.state.failed:
                cause = causes.pod_cause(one.live) if one.live else None
                raise self._failed(one, one.state.message, watched, cause)

    def _failed(
        self, one: Watched, why: str, watched: list[Watched], cause: Cause | None = None
    ) -> RampartError:
        one.state = State(FAILED, why)
        self._events_until = time.monotonic() + LAST_EVENT_SECONDS
        event = self._last_event(one)
        return NotReadyError(
            f"{one.target.ref} cannot become ready: {why}."
            + (f" Last event: {event.rstrip('.')}." if event else ""),
            watched,
            cause=cause,
            next_step=(cause.next_step if cause else "") or "correct what is named here and apply it again",
        )

    def _late(self, waiting: list[Watched], watched: list[Watched], timeout: float) -> RampartError:
        parts = []
        self._events_until = time.monotonic() + LAST_EVENT_SECONDS
        for one in waiting:
            event = self._last_event(one)
            parts.append(
                f"{one.target.ref}: {one.state.message}" + (f" (last event: {event})" if event else "")
            )
        return NotReadyError(
            f"{len(waiting)} of {len(watched)} objects are not ready after {timeout:g} s: "
            f"{'; '.join(parts)}.",
            watched,
            next_step="see what each of them waits for, or raise the timeout",
        )

    def _last_event(self, one: Watched) -> str:
        """Read the newest event about an object or its pods; a wish, not a need."""
        namespace = one.target.ref.namespace
        if not namespace:
            return ""
        try:
            with self._client.transport.within(max(0.0, self._events_until - time.monotonic())):
                events, _unused = self._client.list_all(f"/api/v1/namespaces/{namespace}/events")
        except RampartError:
            return ""
        name = one.target.ref.name
        return causes.last_event(
            event
            for event in events
            if (event.get("involvedObject") or {}).get("name", "") == name
            or (one.is_workload and (event["involvedObject"].get("name") or "").startswith(f"{name}-"))
        )
