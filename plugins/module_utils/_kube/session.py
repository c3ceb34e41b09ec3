# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One wait: its watches, and what they say of its targets."""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._kube import causes, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.causes import Cause
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.readiness import FAILED, State
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import (
    Begin,
    Failed,
    NotReadyError,
    Watched,
)

# After the verdict, the last event is still asked for. A server that is frozen must not hold us up.
LAST_EVENT_SECONDS = 2.0

Place = tuple[str, tuple[tuple[str, str], ...]]


class Session:
    """Follows some targets until each is settled; a strict one raises the first failure."""

    def __init__(
        self, client: Client, progress: Progress, watched: list[Watched], timeout: float, *, strict: bool
    ) -> None:
        self._client = client
        self._progress = progress
        self._watched = watched
        self._timeout = timeout
        self._strict = strict
        self._queue: queue.SimpleQueue[tuple[Place, watching.Event | Exception]] = queue.SimpleQueue()
        self._followed: set[Place] = set()
        self._events_until = 0.0
        # Pods that cannot run, by path and UID: which revision they are of may show only later.
        self._sick: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._failed: Failed | None = None
        # One watch for each kind and namespace, not one for each object.
        self._groups: dict[str, list[Watched]] = defaultdict(list)
        for one in watched:
            self._groups[one.target.collection].append(one)

    def run(self, at_once: int, begin: Begin | None = None, failed: Failed | None = None) -> None:
        """Begin targets as others become ready, and follow those that are going."""
        self._failed = failed
        pending, waiting = list(self._watched), list[Watched]()
        ending = time.monotonic() + self._timeout * -(-len(pending) // max(1, at_once))
        while pending or waiting:
            free = at_once - len(waiting)
            begun, pending = pending[:free], pending[free:]
            self._begin(begun, begin)
            waiting = self._unsettled(waiting + begun)
            if waiting and (len(waiting) >= at_once or not pending):
                self._follow_objects(waiting, ending)
                self._take_one(waiting, ending)
                waiting = self._unsettled(waiting)

    def _begin(self, begun: list[Watched], begin: Begin | None) -> None:
        def start(one: Watched) -> None:
            try:
                if begin is not None:
                    begin(one.target)
                one.see(self._client.find(one.target.path, target=str(one.target.ref)))
            except RampartError as error:
                self._blame(one, error)

        for one in begun:
            one.deadline = time.monotonic() + self._timeout
        self._client.map(start, begun)
        self._refuse_failed(begun)

    def _blame(self, one: Watched, error: RampartError) -> None:
        if self._strict:
            raise error
        one.error = error
        if self._failed is not None:
            self._failed(one.target, error)

    def _unsettled(self, waiting: list[Watched]) -> list[Watched]:
        for one in waiting:
            if one.state.ready and not one.error:
                self._progress.say(f"{one.target.ref}: {one.state.message}")
        return [one for one in waiting if not one.is_settled]

    def _take_one(self, waiting: list[Watched], ending: float) -> None:
        """Wait for the next thing that happens, or for the time of the first target to be over."""
        first = min(one.deadline for one in waiting)
        try:
            place, event = self._queue.get(timeout=max(0.0, first - time.monotonic()))
        except queue.Empty:
            self._give_up([one for one in waiting if one.deadline <= first])
            return
        if isinstance(event, Exception):
            if time.monotonic() < first:
                raise event
            self._give_up(waiting)
        elif place[0] in self._groups:
            group = [one for one in self._groups[place[0]] if one.deadline and not one.is_settled]
            self._see(group, event)
            self._refuse_failed(group)
            self._follow_pods(group, ending)
            self._judge_pods(group)
        else:
            self._look_for_cause(waiting, place[0], event)

    @staticmethod
    def _see(group: list[Watched], event: watching.Event) -> None:
        found = {
            (item["metadata"].get("namespace"), item["metadata"]["name"]): item for item in event.objects
        }
        for one in group:
            live = found.get((one.target.ref.namespace, one.target.ref.name))
            if live is not None:
                one.see(None if event.type == "DELETED" else live)
            elif event.type == "LIST":
                one.see(None)

    def _follow_objects(self, waiting: list[Watched], ending: float) -> None:
        for path in {one.target.collection for one in waiting}:
            names = {one.target.ref.name for one in self._groups[path]}
            query = {"fieldSelector": f"metadata.name={names.pop()}"} if len(names) == 1 else {}
            self._follow((path, tuple(query.items())), ending)

    def _follow_pods(self, group: list[Watched], ending: float) -> None:
        for one in group:
            if one.is_workload and one.live and not one.state.ready:
                root = f"/api/v1/namespaces/{one.target.ref.namespace}"
                self._follow((f"{root}/pods", ()), ending)
                self._follow((f"{root}/events", (("fieldSelector", "reason=FailedCreate"),)), ending)

    def _follow(self, place: Place, ending: float) -> None:
        if place in self._followed:
            return
        self._followed.add(place)

        def work() -> None:
            try:
                for event in watching.follow(self._client, place[0], dict(place[1]), ending):
                    self._queue.put((place, event))
            except Exception as error:
                self._queue.put((place, error))

        # A thread that sits in a read must not keep the module from ending.
        threading.Thread(target=work, daemon=True).start()

    def _look_for_cause(self, waiting: list[Watched], path: str, event: watching.Event) -> None:
        if event.type == "LIST":
            self._sick[path].clear()
        for item in event.objects:
            if "involvedObject" not in item:
                self._note_pod(self._sick[path], item, deleted=event.type == "DELETED")
            # Events of the list may be of an earlier try; a controller that is still refused says it
            # again at once.
            elif event.type not in ("LIST", "DELETED"):
                self._judge_refusal(waiting, item)
        self._judge_pods(waiting)

    @staticmethod
    def _note_pod(sick: dict[str, dict[str, Any]], pod: dict[str, Any], *, deleted: bool) -> None:
        uid = pod["metadata"]["uid"]
        sick.pop(uid, None)
        if not deleted and causes.pod_cause(pod) is not None:
            sick[uid] = pod

    def _judge_refusal(self, waiting: list[Watched], item: dict[str, Any]) -> None:
        for one in waiting:
            if one.is_workload and one.live and not one.is_settled:
                said = causes.refused_pods(item, one.live["metadata"]["uid"])
                if said:
                    self._fail(one, f"its pods are refused: {said}")

    def _judge_pods(self, waiting: list[Watched]) -> None:
        for pod in [pod for sick in self._sick.values() for pod in sick.values()]:
            for one in waiting:
                if not one.is_workload or not one.live or one.is_settled:
                    continue
                if cause := self._pod_cause(one, pod):
                    self._fail(one, cause.sentence, cause)

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
        workload = self._client.find(one.target.path) or {}
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
            if one.state.failed and not one.error:
                self._fail(one, one.state.message, causes.pod_cause(one.live) if one.live else None)

    def _fail(self, one: Watched, why: str, cause: Cause | None = None) -> None:
        one.state = State(FAILED, why)
        self._events_until = time.monotonic() + LAST_EVENT_SECONDS
        event = self._last_event(one)
        error = NotReadyError(
            f"{one.target.ref} cannot become ready: {why}."
            + (f" Last event: {event.rstrip('.')}." if event else ""),
            self._watched,
            cause=cause,
            next_step=(cause.next_step if cause else "") or "correct what is named here and apply it again",
        )
        self._blame(one, error)

    def _give_up(self, late: list[Watched]) -> None:
        self._events_until = time.monotonic() + LAST_EVENT_SECONDS
        for group in [late] if self._strict else [[one] for one in late]:
            self._blame(group[0], self._late(group))

    def _late(self, group: list[Watched]) -> RampartError:
        parts = []
        for one in group:
            event = self._last_event(one)
            parts.append(
                f"{one.target.ref}: {one.state.message}" + (f" (last event: {event})" if event else "")
            )
        counted = f"{len(group)} of {len(self._watched)} objects are" if self._strict else "An object is"
        return NotReadyError(
            f"{counted} not ready after {self._timeout:g} s: {'; '.join(parts)}.",
            self._watched,
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
