# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""How a backend is reached from here: at an address, or at a Service of the cluster over the API server."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission, permissions
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.forward import (
    NoEndpointError,
    endpoints,
    forwarded,
)
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import content, names

Content = Mapping[str, bytes]


@dataclass(slots=True)
class Surroundings:
    """What the backends of one namespace have at hand."""

    client: Client
    namespace: str
    # Who rules a backend may have few sessions there: one at a time for each Secret that says who.
    turns: dict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def secret(self, name: str) -> Content:
        """Read a Secret that says how to reach or to rule a backend; it may be another one each time."""
        path = f"/api/v1/namespaces/{self.namespace}/secrets/{name}"
        found = self.client.find(path, target=f"Secret {self.namespace}/{name}")
        if found is None:
            raise RampartError(
                f"There is no Secret {self.namespace}/{name}, which a backend is ruled or trusted with.",
                next_step="make it first, or name another one",
            )
        return content.of_secret(found)

    def under_way(self, name: str) -> list[Content]:
        """Return what such a Secret is about to hold or has just held, while it is rotated itself."""
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        query = {"labelSelector": f"{names.ROLE} in ({names.PENDING},{names.PREVIOUS})"}
        found, _version = self.client.list_all(path, query=query, target=f"copies in {self.namespace}")
        return [content.of_secret(one) for one in found if names.is_beside(one["metadata"]["name"], name)]

    def admin(self, options: Mapping[str, Any]) -> Content:
        """Read the Secret of who rules a backend; nothing where its options name nobody."""
        return self.secret(options["admin_secret"]) if options.get("admin_secret") else {}

    def text(self, name: str, key: str) -> str:
        """Read one text of such a Secret."""
        try:
            return self.secret(name)[key].decode()
        except (KeyError, UnicodeDecodeError):
            raise RampartError(
                f"Secret {self.namespace}/{name} has no text {key}.", next_step="add it"
            ) from None

    def pods(self, service: Mapping[str, Any]) -> list[tuple[str, int]]:
        """Return the pods behind a Service; none when nothing stands behind it."""
        try:
            return endpoints(self.client, self.space(service), service["name"], service["port"])
        except NoEndpointError:
            return []

    def space(self, service: Mapping[str, Any]) -> str:
        """Return the namespace of a Service."""
        return str(service.get("namespace") or self.namespace)

    @contextlib.contextmanager
    def port(self, service: Mapping[str, Any], pod: tuple[str, int]) -> Iterator[int]:
        """Give a pod's port a port on this machine."""
        with forwarded(self.client, self.space(service), *pod) as port:
            yield port

    def server_name(self, service: Mapping[str, Any]) -> str:
        """Return the name that a Service's certificate is for."""
        return f"{service['name']}.{self.space(service)}.svc"


@dataclass(slots=True)
class Behind:
    """The pods behind the Service that a backend stands behind, if it does; those found are kept."""

    around: Surroundings
    service: Mapping[str, Any] | None
    _pods: list[tuple[str, int]] = field(default_factory=list, init=False)

    def pods(self) -> list[tuple[str, int]]:
        """Return them; none when nothing runs."""
        if self.service and not self._pods:
            self._pods = self.around.pods(self.service)
        return self._pods

    def permissions(self) -> list[Permission]:
        """Return what it takes to find and to reach them."""
        if not self.service:
            return []
        return permissions(
            self.around.space(self.service),
            ("", "pods/portforward", ("get", "create")),
            ("", "services", ("get",)),
            ("discovery.k8s.io", "endpointslices", ("list",)),
        )

    def absent(self) -> str:
        """Say that nothing is there to speak to: behind a Service nothing may run."""
        if not self.service or self.pods():
            return ""
        return f"no ready pod stands behind Service {self.around.space(self.service)}/{self.service['name']}"
