# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One writer at a time: a lock in the cluster that outlives nobody who held it.

The lock is a ``coordination.k8s.io/v1`` Lease. Every change of it is an update with the
resourceVersion that was read, so two takers cannot both succeed. Whether a holder still lives is
judged by our own monotonic clock: the lease is taken over only when it was seen unchanged for its
whole duration. Clocks of other machines, and their jumps, play no part. A holder that was killed on
this machine is known to be dead at once.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.holder import has_died, own_identity

DURATION = 15
POLL = 1.0


class LeaseHeldError(RampartError):
    """Somebody else is the writer."""


class LeaseLostError(RampartError):
    """We were the writer, and are not any more."""


class Lease:
    """Holds a Lease while its ``with`` block runs, and renews it in the background.

    ``fencing`` is the number of this holding; it grows with every new holder. Whoever writes under
    the lease notes it on what is written and calls ``check`` before each step, so that a holder
    that was stopped and woke up again does no harm.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        *,
        duration: int = DURATION,
        patience: float = 0.0,
        outlive_only: bool = False,
    ) -> None:
        self.identity = own_identity()
        self.fencing = 0
        # Who held it when it was first looked at; still there when that holder was ended in the middle.
        self.holder_before = ""
        # Whether to wait only for a holder that does not renew it any more.
        self._outlive_only = outlive_only
        self._client = client
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._target = f"Lease {namespace}/{name}"
        self._namespace = namespace
        self._name = name
        self._duration = duration
        self._patience = patience
        self._held: dict[str, Any] = {}
        self._renewed = 0.0
        self._stop = threading.Event()
        self._lost: str = ""
        self._thread = threading.Thread(target=self._renew_loop, daemon=True)

    @property
    def _path(self) -> str:
        return f"{self._collection}/{self._name}"

    def __enter__(self) -> Lease:
        self._acquire()
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._thread.join(self._duration)
        if not self._lost:
            self._release()

    def check(self) -> None:
        """Raise LeaseLostError unless we are surely still the holder."""
        age = time.monotonic() - self._renewed
        if not self._lost and age < self._duration:
            return
        why = self._lost or f"it could not be renewed for {age:.0f} s"
        raise LeaseLostError(
            f"{self._target} is not ours any more: {why}. Nothing more was written.",
            next_step="run again; it goes on where this run ended",
        )

    def _acquire(self) -> None:
        deadline = time.monotonic() + self._patience
        seen, since = "", time.monotonic()
        while True:
            asked = time.monotonic()
            current = self._client.find(self._path, target=self._target)
            if not seen:
                self.holder_before = str(((current or {}).get("spec") or {}).get("holderIdentity") or "")
            if current is None:
                taken = self._try(self._create, asked)
            elif (current.get("spec") or {}).get("holderIdentity") == self.identity:
                # Our own write was answered by a broken connection and sent again.
                taken = self._try(partial(dict, current), asked)
            else:
                version = current["metadata"]["resourceVersion"]
                if version != seen:
                    if seen and self._outlive_only and not self._is_free(current, 0.0):
                        self._refuse(current)
                    seen, since = version, asked
                taken = self._is_free(current, asked - since) and self._try(
                    partial(self._update, current, self._transitions(current) + 1), asked
                )
            if taken:
                return
            if current is not None and time.monotonic() >= deadline:
                self._refuse(current)
            time.sleep(min(POLL, self._duration / 5))

    def _is_free(self, current: dict[str, Any], unchanged: float) -> bool:
        spec = current.get("spec") or {}
        holder = str(spec.get("holderIdentity") or "")
        return not holder or has_died(holder) or unchanged > int(spec.get("leaseDurationSeconds") or DURATION)

    def _refuse(self, current: dict[str, Any]) -> None:
        spec = current.get("spec") or {}
        holder, renewed = spec.get("holderIdentity", "?"), spec.get("renewTime", "?")
        raise LeaseHeldError(
            f"{self._target} is held by {holder}, renewed at {renewed}.",
            next_step="wait until that run has ended; if it was killed, its lease can be taken over "
            f"{spec.get('leaseDurationSeconds', DURATION)} s after its last renewal",
            holder=holder,
            renewed=renewed,
        )

    def _try(self, act: Callable[[], dict[str, Any]], asked: float) -> bool:
        """Write once; a conflict means that somebody was faster."""
        try:
            self._held = act()
        except status.ApiError as error:
            if error.code in (404, 409):
                return False
            raise
        self._renewed = asked
        self.fencing = self._transitions(self._held)
        return True

    @staticmethod
    def _transitions(lease: dict[str, Any]) -> int:
        return int((lease.get("spec") or {}).get("leaseTransitions") or 0)

    def _spec(self, transitions: int, holder: str, acquired: str | None = None) -> dict[str, Any]:
        now = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "holderIdentity": holder,
            "leaseDurationSeconds": self._duration,
            "acquireTime": acquired or now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }

    def _create(self) -> dict[str, Any]:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._spec(1, self.identity),
        }
        return self._client.call("POST", self._collection, body=body, target=self._target, verb="create")

    def _update(self, current: dict[str, Any], transitions: int, holder: str | None = None) -> dict[str, Any]:
        acquired = (current.get("spec") or {}).get("acquireTime")
        same = transitions == self._transitions(current)
        name = self.identity if holder is None else holder
        body = {**current, "spec": self._spec(transitions, name, acquired if same else None)}
        return self._client.call("PUT", self._path, body=body, target=self._target, verb="update")

    def _renew_loop(self) -> None:
        # Three tries fit into one duration.
        while not self._stop.wait(self._duration / 3):
            asked = time.monotonic()
            # What is done under the lease may take longer than all calls of a task usually may.
            self._client.transport.extend(self._duration)
            try:
                self._held = self._update(self._held, self.fencing)
                self._renewed = asked
            except status.ApiError as error:
                if error.code in (404, 409) and not self._still_ours():
                    return
            except RampartError:
                # The API server is away; check() tells when that has lasted too long.
                continue

    def _still_ours(self) -> bool:
        """Read the lease after a conflict: our own repeated update, or another holder?"""
        try:
            current = self._client.find(self._path, target=self._target)
        except RampartError:
            return True
        holder = ((current or {}).get("spec") or {}).get("holderIdentity")
        if current is not None and holder == self.identity:
            self._held = current
            return True
        self._lost = f"it is held by {holder}" if holder else "it was deleted or given up"
        return False

    def _release(self) -> None:
        """Give the lease up; when this fails it simply runs out."""
        try:
            self._update(self._held, self.fencing, holder="")
        except RampartError:
            return
