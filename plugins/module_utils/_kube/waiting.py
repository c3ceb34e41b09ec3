# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Waits until objects are ready, and no longer than the cause of a failure is unknown."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.session import Session
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import Begin, Failed, Target, Watched


class Waiter:
    """Follows targets, the pods of workloads, and what is refused to them."""

    def __init__(self, client: Client, progress: Progress) -> None:
        self._client = client
        self._progress = progress

    def look(self, targets: Iterable[Target]) -> list[Watched]:
        """Judge the targets as they are now."""
        watched = [Watched(target) for target in targets]
        self._client.map(
            lambda one: one.see(self._client.find(one.target.path, target=str(one.target.ref))), watched
        )
        return watched

    def run(self, targets: Iterable[Target], timeout: float) -> list[Watched]:
        """Return when all are ready; raise as soon as one cannot become ready, or on timeout."""
        watched = [Watched(target) for target in targets]
        with self._client.transport.within(timeout):
            Session(self._client, self._progress, watched, timeout, strict=True).run(len(watched))
        return watched

    def settle(
        self,
        targets: Iterable[Target],
        timeout: float,
        *,
        at_once: int,
        begin: Begin | None = None,
        failed: Failed | None = None,
    ) -> list[Watched]:
        """Return when each target is ready, cannot become ready, or had its time; nothing of this is raised.

        ``begin`` sets a target going, and of those that are going ``at_once`` are not ready at most. What
        went wrong with a target, its beginning included, is told to ``failed`` and stands in its ``error``.
        """
        watched = [Watched(target) for target in targets]
        limit = max(1, at_once)
        with self._client.transport.within(timeout * -(-len(watched) // limit)):
            session = Session(self._client, self._progress, watched, timeout, strict=False)
            session.run(limit, begin, failed)
        return watched
