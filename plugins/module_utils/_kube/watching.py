# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Follows objects by list and watch, through everything that ends a watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import StreamRefusedError

# A watch that ends sooner than this was refused in some way; resuming at once would be a busy loop.
SHORT_WATCH = 1.0
PAUSE = 0.5

# The server ends a watch after this; the next goes on where it ended.
WATCH_SECONDS = 240

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Event:
    """LIST with all objects (each time anew after a gap), or one object ADDED, MODIFIED, DELETED."""

    type: str
    objects: tuple[dict[str, Any], ...]


def follow(client: Client, path: str, query: Mapping[str, Any], deadline: float) -> Iterator[Event]:
    """Yield what happens to the objects under a path, without a gap, until the deadline."""
    while time.monotonic() < deadline:
        items, version = client.list_all(path, query=query)
        yield Event("LIST", tuple(items))
        yield from _watch_from(client, path, query, version, deadline)


def _watch_from(
    client: Client, path: str, query: Mapping[str, Any], version: str, deadline: float
) -> Iterator[Event]:
    """Watch until the server has forgotten our place (410 Gone), which asks for a new list."""
    while (left := deadline - time.monotonic()) > 0:
        began, place = time.monotonic(), version
        watch = {
            **query,
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": max(1, min(WATCH_SECONDS, int(left))),
        }
        try:
            for event in client.watch(path, watch, timeout=left):
                found = event.get("object") or {}
                if event.get("type") == "ERROR":
                    # Mostly 410; after any other a new list is right as well.
                    time.sleep(0 if found.get("code") == 410 else PAUSE)
                    return
                version = (found.get("metadata") or {}).get("resourceVersion") or version
                if event.get("type") != "BOOKMARK":
                    yield Event(event["type"], (found,))
        except StreamRefusedError as error:
            code = error.response.status
            if code in (401, 403, 404, 405):
                raise status.error("watch", path, status.parse(code, error.response.body)) from error
            time.sleep(0 if code == 410 else PAUSE)
            return
        if time.monotonic() - began < SHORT_WATCH:
            time.sleep(PAUSE)
            if version == place:
                # A connection that breaks before it has told anything would tell nothing the next time.
                return


def until(
    client: Client,
    collection: str,
    name: str,
    decide: Callable[[dict[str, Any] | None], Result | None],
    timeout: float,
) -> Result | None:
    """Wait until ``decide`` returns something for an object (None when it is gone); None on timeout."""
    query = {"fieldSelector": f"metadata.name={name}"}
    for event in follow(client, collection, query, time.monotonic() + timeout):
        found = event.objects[-1] if event.objects and event.type != "DELETED" else None
        result = decide(found)
        if result is not None:
            return result
    return None
