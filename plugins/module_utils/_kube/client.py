# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One client for one cluster and one task."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import kubeconfig, status, tls
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import JSON, Response, Transport

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
# A list without what is in the objects: names, labels and owners only.
METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

# As many as two cores of an API server can serve at once; more only queues there.
WORKERS = 8

# One answer of a list; the server bounds its memory by it, and so do we.
PAGE = 500

Item = TypeVar("Item")
Result = TypeVar("Result")


class Client:
    """Talks JSON with one API server. Safe to be used by several threads."""

    def __init__(self, connection: Connection, redactor: Redactor, *, workers: int = WORKERS) -> None:
        self.credentials = kubeconfig.load(
            connection.kubeconfig,
            connection.context,
            redactor,
            allow_exec_plugins=connection.allow_exec_plugins,
        )
        if connection.server:
            self.credentials = replace(self.credentials, server=connection.server.rstrip("/"))
        self.transport = Transport(
            self.credentials,
            request_timeout=connection.request_timeout,
            api_timeout=connection.api_timeout,
            workers=workers,
        )
        self._workers = workers
        if connection.expect_cluster_uid:
            self.require_uid(connection.expect_cluster_uid)

    @property
    def warnings(self) -> list[str]:
        """What the person should know about this connection."""
        if self.credentials.verify:
            return []
        return [
            f"The context {self.credentials.context!r} does not verify the server's certificate "
            "(insecure-skip-tls-verify): anybody on the way can read and change everything."
        ]

    @property
    def counts(self) -> dict[str, int]:
        """How many requests were sent, and how many of them again."""
        return {"requests": self.transport.requests, "retries": self.transport.retries}

    def cluster_uid(self) -> str:
        """Return what tells clusters apart: the UID of the namespace kube-system."""
        found = self.get("/api/v1/namespaces/kube-system", target="Namespace kube-system")
        return str(found["metadata"]["uid"])

    def require_uid(self, expected: str) -> None:
        """Stop before anything is written when the context leads to another cluster."""
        actual = self.cluster_uid()
        if actual != expected:
            raise RampartError(
                f"The context {self.credentials.context!r} leads to the cluster {actual}, but {expected} "
                "is expected. Nothing was written.",
                next_step="set the context to the right cluster, or correct expect_cluster_uid",
                expected_cluster_uid=expected,
                actual_cluster_uid=actual,
            )

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        target: str = "",
        verb: str = "",
    ) -> dict[str, Any]:
        """Send one request and return the object that came; anything but success raises ApiError."""
        response = self.transport.send(
            method, path, query=query, body=body, content_type=content_type, accept=accept
        )
        if response.status >= 300:
            raise self._error(verb or method.lower(), target or path, response)
        try:
            parsed = json.loads(response.body)
        except ValueError as error:
            raise RampartError(
                f"The answer to {method} {path} is not whole JSON.",
                next_step="check what stands between here and the API server",
            ) from error
        if not isinstance(parsed, dict):
            raise RampartError(
                f"The answer to {method} {path} is not an object.",
                next_step="check that the address is an API server's",
            )
        return parsed

    def _error(self, verb: str, target: str, response: Response) -> RampartError:
        if response.status == 401:
            ended = tls.expired(self.credentials.certificate)
            if ended:
                return RampartError(
                    f"The client certificate of context {self.credentials.context!r} expired on {ended}.",
                    next_step="renew it and write the kubeconfig again",
                )
        return status.error(verb, target, status.parse(response.status, response.body))

    def get(self, path: str, *, query: Mapping[str, Any] | None = None, target: str = "") -> dict[str, Any]:
        """Read one object."""
        return self.call("GET", path, query=query, target=target, verb="read")

    def find(self, path: str, *, target: str = "") -> dict[str, Any] | None:
        """Read one object that may not be there."""
        try:
            return self.get(path, target=target)
        except status.ApiError as error:
            if error.code == 404:
                return None
            raise

    def list_all(
        self, path: str, *, query: Mapping[str, Any] | None = None, target: str = "", accept: str = JSON
    ) -> tuple[list[dict[str, Any]], str]:
        """Read all objects under a path, page by page; return them and the resourceVersion to watch from.

        A list that changed too much between two pages is begun again.
        """
        items: list[dict[str, Any]] = []
        page: dict[str, Any] = {**(query or {}), "limit": PAGE}
        while True:
            try:
                answer = self.call("GET", path, query=page, target=target, verb="list", accept=accept)
            except status.ApiError as error:
                if error.code != 410 or "continue" not in page:
                    raise
                items = []
                page.pop("continue")
                continue
            items += answer.get("items") or []
            metadata = answer.get("metadata") or {}
            if not metadata.get("continue"):
                return items, str(metadata.get("resourceVersion") or "")
            page["continue"] = metadata["continue"]

    def apply(
        self,
        path: str,
        body: dict[str, Any],
        *,
        field_manager: str,
        force: bool = False,
        dry_run: bool = False,
        target: str = "",
    ) -> dict[str, Any]:
        """Apply one object on the server; unknown fields are refused, not dropped."""
        query = {
            "fieldManager": field_manager,
            "force": "true" if force else "false",
            "fieldValidation": "Strict",
            **({"dryRun": "All"} if dry_run else {}),
        }
        return self.call(
            "PATCH", path, query=query, body=body, content_type=APPLY, target=target, verb="apply"
        )

    def delete(
        self, path: str, *, uid: str | None = None, dry_run: bool = False, target: str = ""
    ) -> dict[str, Any] | None:
        """Delete one object, and only the one with this UID; one that is gone is no error."""
        body: dict[str, Any] = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
            **({"preconditions": {"uid": uid}} if uid else {}),
            **({"dryRun": ["All"]} if dry_run else {}),
        }
        query = {"dryRun": "All"} if dry_run else None
        try:
            return self.call("DELETE", path, query=query, body=body, target=target, verb="delete")
        except status.ApiError as error:
            if error.code == 404:
                return None
            raise

    def watch(self, path: str, query: Mapping[str, Any], *, timeout: float) -> Iterator[dict[str, Any]]:
        """Yield watch events until the stream ends; a half-sent last line is dropped."""
        for line in self.transport.stream(path, {**query, "watch": "true"}, timeout=timeout):
            try:
                yield json.loads(line)
            except ValueError:
                return

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Call a function for all items, several at a time; results in order, the first error raised."""
        todo = list(items)
        if len(todo) < 2:
            return [function(item) for item in todo]
        with ThreadPoolExecutor(min(self._workers, len(todo))) as pool:
            futures = [pool.submit(function, item) for item in todo]
            try:
                return [future.result() for future in futures]
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
