# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Policies on trial: they only warn, stand beside what is enforced, and are gone when the trial is over."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._admission import (
    hearing,
    images,
    places,
    rendering,
    samples,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import object_name
from ansible_collections.rampart.k8s.plugins.module_utils._admission.kyverno import ROLE
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import Admission
from ansible_collections.rampart.k8s.plugins.module_utils._admission.samples import Sample
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease
from ansible_collections.rampart.k8s.plugins.module_utils._verify.objects import NAMESPACE

LABEL = "rampart.k8s/candidate"
PATIENCE = 60.0
POLL = 0.5


def _marked(item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = item["metadata"]
    # Not the label of what is enforced, or the next run would count it as that.
    labels = {key: value for key, value in metadata["labels"].items() if key not in ROLE}
    return {**item, "metadata": {**metadata, "labels": {**labels, LABEL: "true"}}}


class Candidates:
    """Some policies of some environments, while they are on trial."""

    def __init__(
        self, client: Client, admission: Admission, chosen: Mapping[str, Sequence[str]], timeout: float
    ) -> None:
        self._client = client
        self._admission = admission.as_candidates()
        self._chosen = chosen
        self._timeout = timeout
        self._lease = Lease(client, NAMESPACE, "rampart-candidates", patience=PATIENCE)
        self._objects = [
            _marked(item)
            for environment in self._admission.environments
            for policy, items in rendering.judging(self._admission, environment, "Warn").items()
            for item in items
            if policy in chosen.get(environment.name, ())
        ]

    def __enter__(self) -> Self:
        self._lease.__enter__()
        try:
            # What a killed run left on trial would be taken for ours.
            self._sweep()
            self._client.map(self._create, self._objects)
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._sweep()
        finally:
            self._lease.__exit__()

    def names(self, environment: str) -> dict[str, str]:
        """Return the policies of an environment by the name that they have here."""
        own = self._admission.environment(environment)
        return {object_name(own, policy): policy for policy in self._chosen.get(environment, ())}

    def _create(self, item: dict[str, Any]) -> None:
        target = f"{item['kind']} {item['metadata']['name']}"
        try:
            self._client.call("POST", places.collection(item), body=item, target=target, verb="create")
        except status.ApiError as error:
            if error.code == 404:
                raise RampartError(
                    f"{self._admission.engine} is not there: the API server knows no {item['kind']}.",
                    next_step="install it first (playbooks/platform.yml), or set kyverno_engine",
                ) from error
            raise

    def _sweep(self) -> None:
        def clear(path: str) -> None:
            try:
                self._client.call("DELETE", path, query={"labelSelector": LABEL}, verb="clear", target=path)
            except status.ApiError as error:
                if error.code != 404:
                    raise

        self._client.map(clear, sorted({places.collection(item) for item in self._objects}))

    def _wait(self) -> None:
        """Wait until each warns of what it must: one that says nothing would prove nothing either."""
        waiting = self._known_bad()
        deadline = time.monotonic() + self._timeout
        self._client.transport.extend(self._timeout)
        while waiting:
            heard = self._client.map(
                lambda pair: bool(
                    hearing.attempt(self._client, pair[1].path, pair[1].object).against(pair[0])
                ),
                waiting,
            )
            waiting = [pair for pair, spoke in zip(waiting, heard, strict=True) if not spoke]
            if waiting and time.monotonic() >= deadline:
                raise RampartError(
                    f"{len(waiting)} policies on trial said nothing against what they must refuse within "
                    f"{self._timeout:g} s: {', '.join(name for name, _unused in waiting)}.",
                    next_step="look at their status and at the log of the policy engine, then run again",
                )
            if waiting:
                time.sleep(POLL)

    def _known_bad(self) -> list[tuple[str, Sample]]:
        found = []
        for environment in self._admission.environments:
            for policy in self._chosen.get(environment.name, ()):
                name = object_name(environment, policy)
                if policy == images.POLICY:
                    found.append((name, samples.unsigned(environment)))
                    continue
                found.append((name, samples.refusal(self._admission.guard(environment, policy))))
        return found
