# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Carries out a plan: batch after batch, the objects of a batch at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._kube import step, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.ordering import batches
from ansible_collections.rampart.k8s.plugins.module_utils._kube.planning import CRD, decide_by_result
from ansible_collections.rampart.k8s.plugins.module_utils._kube.readiness import evaluate
from ansible_collections.rampart.k8s.plugins.module_utils._kube.step import Step

# An established kind is served a moment later, by each API server at its own time.
SERVED_TIMEOUT = 15.0
SERVED_PAUSE = 0.1


class Applier:
    """Writes what a plan says."""

    def __init__(
        self,
        client: Client,
        discovery: Discovery,
        progress: Progress,
        *,
        field_manager: str,
        force_conflicts: bool,
        timeout: float,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._progress = progress
        self._manager = field_manager
        self._force = force_conflicts
        self._timeout = timeout
        self._done: list[Step] = []

    def present(self, steps: list[Step], *, in_list_order: bool) -> None:
        """Create and update; a batch begins when the one before it stands."""
        todo = [one for one in steps if one.changes]
        groups = [[one] for one in todo] if in_list_order else batches(todo, key=lambda one: one.rank)
        for group in groups:
            self._batch(group, self._apply)
            kinds = [one for one in group if (one.ref.group, one.ref.kind) == CRD]
            self._batch(kinds, self._await_established)
            self._discovery.forget(
                f"{one.definition['spec']['group']}/{version['name']}"
                for one in kinds
                for version in one.definition["spec"].get("versions") or []
            )

    def absent(self, steps: list[Step]) -> None:
        """Delete, in the opposite order."""
        for group in batches([one for one in steps if one.changes], key=lambda one: one.rank, reverse=True):
            self._batch(group, self._delete)

    def await_absent(self, steps: list[Step]) -> None:
        """Wait until deleted objects are gone."""
        self._batch([one for one in steps if one.action == step.DELETED], self._await_gone)

    def _batch(self, group: list[Step], act: Callable[[Step], None]) -> None:
        def guarded(one: Step) -> None:
            try:
                act(one)
            except RampartError as error:
                one.error = error

        self._client.map(guarded, group)
        failed = [one for one in group if one.error]
        self._done += [one for one in group if not one.error and one not in self._done]
        if failed and failed[0].error:
            first = failed[0].error
            more = f" {len(failed) - 1} more failed with it." if len(failed) > 1 else ""
            raise RampartError(
                f"{first.message}{more} {len(self._done)} objects were written before; run again to go on.",
                next_step=first.next_step,
                written=[one.as_result() for one in self._done],
                errors=[str(one.error) for one in failed],
                **first.details,
            ) from first

    def _apply(self, one: Step) -> None:
        if one.resource is None:
            self._await_served(one)
        if one.terminating:
            self._await_gone(one)
            one.live = None
        after = self._client.apply(
            one.path,
            one.definition,
            field_manager=self._manager,
            force=self._force,
            target=str(one.ref),
        )
        decide_by_result(one, after)
        self._progress.say(f"{one.ref}: {one.action}")

    def _delete(self, one: Step) -> None:
        self._client.delete(one.path, uid=one.uid, target=str(one.ref))
        self._progress.say(f"{one.ref}: deleted")

    def _await_served(self, one: Step) -> None:
        deadline = time.monotonic() + SERVED_TIMEOUT
        while (found := self._discovery.find(one.ref.api_version, one.ref.kind)) is None:
            if time.monotonic() > deadline:
                self._discovery.require(one.ref.api_version, one.ref.kind)
            time.sleep(SERVED_PAUSE)
            self._discovery.forget([one.ref.api_version])
        one.resource = found
        if found.namespaced and one.ref.namespace is None:
            one.definition["metadata"]["namespace"] = self._client.credentials.namespace
            one.ref = one.ref.of(one.definition)

    def _await_established(self, one: Step) -> None:
        def established(found: dict[str, Any] | None) -> bool | None:
            return True if found and evaluate(found).ready else None

        self._await(one, established, "established")

    def _await_gone(self, one: Step) -> None:
        uid, last = one.uid, one.live

        def gone(found: dict[str, Any] | None) -> bool | None:
            nonlocal last
            if found is None or found["metadata"]["uid"] != uid:
                return True
            last = found
            return None

        try:
            self._await(one, gone, "gone")
        except RampartError as error:
            metadata = (last or {}).get("metadata") or {}
            held = [*(metadata.get("finalizers") or []), *_remaining(last or {})]
            if held:
                error.message += f" It is held by: {', '.join(held)}."
                error.details["finalizers"] = held
            raise

    def _await(self, one: Step, decide: Callable[[dict[str, Any] | None], bool | None], state: str) -> None:
        if one.resource is None:
            raise ValueError(f"{one.ref} has no resource yet")
        collection = one.resource.collection(one.ref.namespace)
        self._client.transport.extend(self._timeout)
        if not watching.until(self._client, collection, one.ref.name, decide, self._timeout):
            raise RampartError(
                f"{one.ref} is not {state} after {self._timeout:g} s.",
                next_step="see its conditions and finalizers, or raise wait_timeout",
            )


def _remaining(namespace: dict[str, Any]) -> list[str]:
    """Say what still lives in a namespace that cannot end."""
    conditions = (namespace.get("status") or {}).get("conditions") or []
    return [
        str(condition.get("message"))
        for condition in conditions
        if condition.get("type") in ("NamespaceContentRemaining", "NamespaceFinalizersRemaining")
        and condition.get("status") == "True"
    ]
