# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Ports of pods on this machine, carried over the API server, for clusters whose network is far away."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import PortForward, TunnelError

HOST = "127.0.0.1"
CHUNK = 1 << 16
# No conversation with a backend lasts longer.
LONGEST = 3600.0


class NoEndpointError(RampartError):
    """Nothing stands behind a Service: what it leads to does not run, or was never made."""


def endpoints(client: Client, namespace: str, service: str, port: int) -> list[tuple[str, int]]:
    """Return the ready pods behind a port of a Service, each with the port that the pod itself has."""
    found = client.find(
        f"/api/v1/namespaces/{quote(namespace, safe='')}/services/{quote(service, safe='')}",
        target=f"Service {namespace}/{service}",
    )
    if found is None:
        raise NoEndpointError(
            f"There is no Service {namespace}/{service}.", next_step="correct its name, or deploy it first"
        )
    names = {entry.get("name") or "" for entry in found["spec"].get("ports") or [] if entry["port"] == port}
    if not names:
        raise RampartError(
            f"Service {namespace}/{service} has no port {port}.", next_step="use one of its ports"
        )
    slices, _version = client.list_all(
        f"/apis/discovery.k8s.io/v1/namespaces/{quote(namespace, safe='')}/endpointslices",
        query={"labelSelector": f"kubernetes.io/service-name={service}"},
        target=f"endpoints of {namespace}/{service}",
    )
    listed = [pair for entry in slices for pair in _pods(entry, names)]
    if not listed:
        raise NoEndpointError(
            f"No ready pod stands behind Service {namespace}/{service}.",
            next_step="see why its pods are not ready",
        )
    return sorted(set(listed))


def _pods(entry: dict[str, Any], names: set[str]) -> Iterator[tuple[str, int]]:
    ports = [one["port"] for one in entry.get("ports") or [] if (one.get("name") or "") in names]
    for endpoint in entry.get("endpoints") or []:
        target = endpoint.get("targetRef") or {}
        # An endpoint that does not say is ready, as the API defines it.
        if (endpoint.get("conditions") or {}).get("ready") is not False and target.get("kind") == "Pod":
            yield from ((str(target["name"]), int(port)) for port in ports if port)


@contextlib.contextmanager
def forwarded(client: Client, namespace: str, pod: str, port: int) -> Iterator[int]:
    """Listen on a port of the loopback interface; what connects there comes out at the pod's own port."""
    with socket.create_server((HOST, 0)) as server:
        ended = threading.Event()
        threading.Thread(
            target=_accept, args=(client, server, namespace, pod, port, ended), daemon=True
        ).start()
        try:
            yield int(server.getsockname()[1])
        finally:
            ended.set()
            # A listener that is closed does not wake up the one who waits at it.
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


def _accept(
    client: Client,
    server: socket.socket,
    namespace: str,
    pod: str,
    port: int,
    ended: threading.Event,
) -> None:
    while not ended.is_set():
        try:
            near, _address = server.accept()
        except OSError:
            return
        threading.Thread(target=_carry, args=(client, near, namespace, pod, port), daemon=True).start()


def _carry(client: Client, near: socket.socket, namespace: str, pod: str, port: int) -> None:
    """Carry one connection; whatever ends one side ends the other, and is all that the other learns."""
    client.transport.count()
    with (
        near,
        contextlib.suppress(TunnelError, OSError),
        PortForward(client.credentials, namespace, pod, port, seconds=LONGEST) as far,
    ):
        while _passed(near, far):
            pass


def _passed(near: socket.socket, far: PortForward) -> bool:
    """Pass on what has come, both ways; say whether both sides are still there."""
    outward, inward = far.ready(near)
    if outward:
        chunk = near.recv(CHUNK)
        if not chunk:
            return False
        far.write(chunk)
    if inward:
        data = far.take()
        if data is None:
            return False
        near.sendall(data)
    return True
