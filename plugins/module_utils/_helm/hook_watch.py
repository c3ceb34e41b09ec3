# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Ends a Helm that waits for a hook whose pod can never run; it would wait for its whole timeout."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import Hook
from ansible_collections.rampart.k8s.plugins.module_utils._kube import causes, watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.causes import Cause
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

JOB = "batch.kubernetes.io/job-name"
# Those that Helm waits for while it installs or upgrades.
EVENTS = frozenset({"pre-install", "post-install", "pre-upgrade", "post-upgrade"})


def names(hooks: Iterable[Hook]) -> frozenset[str]:
    """Return the names of the pods and jobs that Helm waits for."""
    return frozenset(
        hook.name for hook in hooks if hook.kind in ("Job", "Pod") and EVENTS.intersection(hook.events)
    )


def of_hook(pod: Mapping[str, Any], wanted: frozenset[str]) -> str:
    """Return the hook that a pod belongs to; empty for any other pod."""
    metadata = pod["metadata"]
    found = (metadata.get("labels") or {}).get(JOB) or metadata["name"]
    return found if found in wanted else ""


class HookWatch:
    """Follows the pods of a release's hooks while Helm runs."""

    def __init__(self, client: Client, namespace: str, hooks: Iterable[Hook], seconds: float) -> None:
        self._client = client
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._wanted = names(hooks)
        self._deadline = time.monotonic() + seconds
        self._process = 0
        self._over = threading.Event()
        # What the hook is called, and why its pod cannot run.
        self.failed: tuple[str, Cause] | None = None

    def __enter__(self) -> Self:
        if self._wanted:
            # A thread that sits in a read must not keep the module from ending.
            threading.Thread(target=self._follow, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def started(self, process: int) -> None:
        """Take note of the Helm that is to be ended."""
        self._process = process

    def _follow(self) -> None:
        old: set[str] | None = None
        with contextlib.suppress(RampartError):
            for event in watching.follow(self._client, self._path, {}, self._deadline):
                if self._over.is_set():
                    return
                if old is None:
                    # Of an earlier run; Helm removes them before it makes its own.
                    old = {pod["metadata"]["uid"] for pod in event.objects}
                for pod in event.objects:
                    hook = of_hook(pod, self._wanted)
                    cause = causes.pod_cause(pod) if hook and pod["metadata"]["uid"] not in old else None
                    if cause and event.type != "DELETED":
                        self._end(hook, cause)
                        return

    def _end(self, hook: str, cause: Cause) -> None:
        """Let Helm note that it failed: it does so when it is asked to end, and not when it is killed."""
        if self._over.is_set() or not self._process:
            return
        self.failed = (hook, cause)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process, signal.SIGTERM)
