# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Who listens where, and whether an address range is free; what two clusters could fight over."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening TCP socket; ``address`` is empty when it listens on all addresses."""

    address: str
    port: int
    inode: str


def parse_listeners(table: str) -> list[Listener]:
    """Read /proc/net/tcp or tcp6 (proc(5)); IPv6 addresses other than 'any' are of no interest here."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] != LISTEN:
            continue
        host, _unused, port = fields[1].partition(":")
        if set(host) == {"0"}:
            address = ""
        elif len(host) == 8:
            address = ".".join(str(int(host[at : at + 2], 16)) for at in (6, 4, 2, 0))
        else:
            continue
        found.append(Listener(address, int(port, 16), fields[9]))
    return found


def clashes(
    wanted: Mapping[str, tuple[str, int]], listeners: Iterable[Listener]
) -> list[tuple[str, Listener]]:
    """Pair each wanted endpoint with a socket that already listens there."""
    taken = list(listeners)
    return [
        (name, listener)
        for name, (address, port) in wanted.items()
        for listener in taken
        if listener.port == port and listener.address in {"", address}
    ]


def owner(inode: str, processes: Iterable[int]) -> int | None:
    """Find the process that holds a socket."""
    wanted = f"socket:[{inode}]"
    for pid in processes:
        folder = Path("/proc") / str(pid) / "fd"
        with contextlib.suppress(OSError):
            for handle in os.listdir(folder):
                with contextlib.suppress(OSError):
                    if os.readlink(folder / handle) == wanted:
                        return pid
    return None


def overlap(
    ranges: Mapping[str, IPv4Network], routes: Sequence[Mapping[str, Any]], own_links: re.Pattern[str]
) -> None:
    """Refuse an address range that this machine already routes somewhere else."""
    for route in routes:
        destination, link = str(route.get("dst", "")), str(route.get("dev", ""))
        if not re.match(r"\d+\.", destination) or own_links.fullmatch(link):
            continue
        network = IPv4Network(destination, strict=False)
        for name, wanted in ranges.items():
            if wanted.overlaps(network):
                raise RampartError(
                    f"The {name} {wanted} of this cluster overlaps {network}, which this machine "
                    f"reaches by {link}.",
                    next_step="give the cluster another cluster_index, or another range",
                    route=destination,
                    link=link,
                )
