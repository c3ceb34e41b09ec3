# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which TCP ports a pod listens on, by its own kernel's word, and which of them somebody has declared."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import TunnelError, execute

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
HEAD = "local_address"
_LISTENS = "0A"
PATIENCE = 10.0

# How a file is read where an image has hardly anything; each tells the end of what it read.
END = "rampart-end"
_SHELL = f'while read -r line; do echo "$line"; done <{{0}} && echo {END}'
_PYTHON = f"print(open('{{0}}').read() + '{END}')"
READERS = (
    ("sh", "-c", _SHELL),
    ("python3", "-c", _PYTHON),
    ("python3.11", "-c", _PYTHON),
)


class UnreadableError(RampartError):
    """Nothing in the pod could read the kernel's table."""


def parse(table: str) -> set[int]:
    """Return the ports of a table that can be reached from outside of the pod."""
    found = set()
    for line in table.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTENS:
            address, _colon, port = fields[1].partition(":")
            if not _loopback(address):
                found.add(int(port, 16))
    return found


def _loopback(address: str) -> bool:
    # The kernel writes words of 32 bits in the order of the machine, which is little-endian wherever we run.
    raw = b"".join(bytes.fromhex(address[place : place + 8])[::-1] for place in range(0, len(address), 8))
    found = ipaddress.ip_address(raw)
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def read(client: Client, pod: Mapping[str, Any]) -> set[int]:
    """Ask the kernel of a pod what it listens on; raises UnreadableError where no program can read that."""
    found: set[int] = set()
    for table in TABLES:
        found |= parse(_table(client, pod, table))
    return found


def _table(client: Client, pod: Mapping[str, Any], table: str) -> str:
    metadata, container = pod["metadata"], pod["spec"]["containers"][0]["name"]
    why = ""
    for program, flag, text in READERS:
        command = [program, flag, text.format(table)]
        try:
            done = execute(
                client.credentials,
                metadata["namespace"],
                metadata["name"],
                container,
                command,
                seconds=PATIENCE,
            )
        except TunnelError as error:
            why = why or error.message
            continue
        said = done.output.decode(errors="replace")
        if not done.code and HEAD in said and END in said:
            return said
        if table == TABLES[1] and "No such file" in done.said and program in done.said:
            # This kernel has no IPv6.
            return ""
        why = why or done.refused or done.said.strip()[-100:]
    raise UnreadableError(
        f"nothing in it can read {table} ({why})",
        next_step="give the image a shell or Python, or accept that it is not proven",
    )


def declared(pod: Mapping[str, Any], services: Iterable[Mapping[str, Any]]) -> set[int]:
    """Return the TCP ports that the pod itself or a Service in front of it names."""
    own = list(_containers(pod))
    names = {port["name"]: port["containerPort"] for port in own if port.get("name")}
    found = {port["containerPort"] for port in own if port.get("protocol", "TCP") == "TCP"}
    labels = pod["metadata"].get("labels") or {}
    for service in services:
        selector = service["spec"].get("selector") or {}
        if selector and selector.items() <= labels.items():
            for port in service["spec"].get("ports") or []:
                target = port.get("targetPort") or port["port"]
                found.add(names.get(target, target))
    return {port for port in found if isinstance(port, int)}


def _containers(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    spec = pod["spec"]
    for container in (*(spec.get("initContainers") or []), *spec["containers"]):
        yield from container.get("ports") or []


def doors(pod: Mapping[str, Any]) -> list[str]:
    """Say by what a pod is open to its node's network, past every Service."""
    found = ["it lives in the network of its node"] if pod["spec"].get("hostNetwork") else []
    return found + [
        f"it holds port {port['hostPort']} of its node" for port in _containers(pod) if port.get("hostPort")
    ]


def outward(service: Mapping[str, Any]) -> str:
    """Say by what a Service is open to the outside of the cluster; empty where it is not."""
    spec = service["spec"]
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        ports = ", ".join(str(port["nodePort"]) for port in spec.get("ports") or [] if port.get("nodePort"))
        return f"it is a {spec['type']}" + (f" with {ports} on every node" if ports else "")
    if spec.get("externalIPs"):
        return f"it is open at {', '.join(spec['externalIPs'])}"
    return ""
