# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A workbench for proofs on a live cluster: what is put on it is cleared away, whatever happens."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease
from ansible_collections.rampart.k8s.plugins.module_utils._kube.watching import follow
from ansible_collections.rampart.k8s.plugins.module_utils._verify.objects import LABEL, NAMESPACE

# Every kind that a proof ever creates.
COLLECTIONS = {
    "Pod": "/api/v1/namespaces/{}/pods",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}

# A proof waits for another verification that is under way; its own proofs take less than this.
PATIENCE = 60.0


class Bench:
    """Holds the one place for proofs; two verifications at a time would clear each other's probes away."""

    def __init__(self, client: Client, namespaces: Iterable[str]) -> None:
        self.client = client
        self.run = secrets.token_hex(3)
        self._namespaces = tuple(dict.fromkeys((*namespaces, NAMESPACE)))
        self._lease = Lease(client, NAMESPACE, "rampart-verify", patience=PATIENCE)

    def __enter__(self) -> Self:
        if self.client.find(f"/api/v1/namespaces/{NAMESPACE}") is None:
            raise RampartError(
                f"There is no namespace {NAMESPACE} to make proofs in.",
                next_step="run the playbook environments first",
            )
        self._lease.__enter__()
        try:
            # What a killed run left behind would answer in place of our own probes.
            self.sweep()
        except BaseException:
            self._lease.__exit__()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.sweep()
        finally:
            self._lease.__exit__()

    def sweep(self) -> None:
        """Remove every probe, ours or a killed run's, without a time of grace."""
        paths = [path.format(name) for name in self._namespaces for path in COLLECTIONS.values()]
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "propagationPolicy": "Background",
        }

        def clear(path: str) -> None:
            try:
                self.client.call(
                    "DELETE", path, query={"labelSelector": LABEL}, body=body, verb="clear", target=path
                )
            except status.ApiError as error:
                if error.code != 404:
                    raise

        self.client.map(clear, paths)

    def create(self, objects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Put objects on the bench."""

        def make(item: dict[str, Any]) -> dict[str, Any]:
            metadata = item["metadata"]
            path = COLLECTIONS[item["kind"]].format(metadata["namespace"])
            target = f"{item['kind']} {metadata['namespace']}/{metadata['name']}"
            return self.client.call("POST", path, body=item, target=target, verb="create")

        return self.client.map(make, objects)

    def wait(
        self, path: str, wanted: Iterable[str], decide: Callable[[dict[str, Any]], bool], timeout: float
    ) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        """Watch our objects under a path until all of them satisfy; return those that do, and the rest."""
        missing = set(wanted)
        done: dict[str, dict[str, Any]] = {}
        rest: dict[str, dict[str, Any]] = {}
        self.client.transport.extend(timeout)
        deadline = time.monotonic() + timeout
        for event in follow(self.client, path, {"labelSelector": LABEL}, deadline):
            for item in event.objects:
                name = f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
                if name not in missing:
                    continue
                if decide(item):
                    missing.discard(name)
                    rest.pop(name, None)
                    done[name] = item
                else:
                    rest[name] = item
            if not missing:
                break
        return done, {name: rest.get(name, {}) for name in missing}
