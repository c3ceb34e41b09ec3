# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Has stored values written anew, several at a time, without ever holding one of them.

Which values are under another key etcd itself says. Each of them gets an empty patch: the API server
reads the object, finds nothing to change, sees that its bytes are stale and writes them again, all in
one transaction of its own. So an edit that comes at the same moment is never lost, a deleted object is
not brought back, and what is answered is metadata only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import (
    EtcdAwayError,
    Gateway,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.registry import Stored
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery

METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

# Objects that are handed out at a time; each batch may take as long as all calls of a task.
BATCH = 256

# The server's own retries were used up by a busy object.
MOST_CONFLICTS = 5

FULL = "database space exceeded"
PAUSE = 1.0


class EtcdFullError(RampartError):
    """etcd takes no more writes."""


def etcd_full() -> EtcdFullError:
    """Word that etcd has reached its quota."""
    return EtcdFullError(
        "etcd has reached its quota (NOSPACE) and takes no more writes. The rotation goes no further, the "
        "configuration stays as it is, and no key was dropped.",
        next_step="free space (etcdctl compact, defrag, then alarm disarm) or raise --quota-backend-bytes, "
        "then run again",
    )


@dataclass(slots=True)
class Outcome:
    """What came of the values that were to be written anew."""

    rewritten: int = 0
    # Deleted meanwhile: nothing of them is left to be protected.
    gone: int = 0
    # The etcd key of what could not be rewritten, and why.
    failed: dict[str, str] = field(default_factory=dict)


class Rewriter:
    """Works through the stale values of one cluster."""

    def __init__(
        self, client: Client, gateway: Gateway, prefix: str, progress: Progress, *, patience: float
    ) -> None:
        self._client = client
        self._discovery = Discovery(client)
        self._gateway = gateway
        self._prefix = prefix
        self._progress = progress
        self._patience = patience

    def run(self, is_stale: Callable[[str, bytes], bool]) -> Outcome:
        """Rewrite every value of which ``is_stale`` says so, told its resource and its bytes."""
        outcome = Outcome()
        stale = self._stale(is_stale)
        while batch := list(islice(stale, BATCH)):
            failpoint("rewrite-batch")
            with self._client.transport.within(self._patience):
                for key, why in zip(batch, self._client.map(self._rewrite, batch), strict=True):
                    if why is None:
                        outcome.rewritten += 1
                    elif why:
                        outcome.failed[key.decode("utf-8", errors="replace")] = why
                    else:
                        outcome.gone += 1
            self._progress.say(f"{outcome.rewritten} values rewritten")
        return outcome

    def _stale(self, is_stale: Callable[[str, bytes], bool]) -> Iterator[bytes]:
        """Yield keys of etcd; when etcd is away for a while, go on behind the last one."""
        root = self._prefix.rstrip("/").encode() + b"/"
        last = b""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                for key, value in self._gateway.values(root, 0, last):
                    stored = Stored.of(key, self._prefix)
                    if stored and is_stale(stored.resource, value):
                        yield key
                    last, deadline = key, time.monotonic() + self._patience
            except EtcdAwayError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE)
            else:
                return

    def _rewrite(self, key: bytes) -> str | None:
        """Write one object anew; return why not, an empty text when it is gone."""
        stored = Stored.of(key, self._prefix)
        if stored is None:
            return "its key is not that of an object"
        path = self._discovery.path_of(stored.resource, stored.namespace, stored.name)
        if path is None:
            return f"the cluster does not serve {stored.resource}"
        for _attempt in range(MOST_CONFLICTS):
            answer = self._client.transport.send("PATCH", path, body={}, content_type=MERGE, accept=METADATA)
            if answer.status < 300:
                return None
            if answer.status == 404:
                return ""
            said = str(status.parse(answer.status, answer.body).get("message") or f"status {answer.status}")
            if FULL in said:
                raise etcd_full()
            if answer.status != 409:
                break
        return said
