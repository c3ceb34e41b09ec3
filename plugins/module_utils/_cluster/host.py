# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a cluster needs of the host before anything starts: a link, kernel settings, cgroups, free ports."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cluster import cgroups, observe, users
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.endpoints import (
    clashes,
    overlap,
    owner,
    parse_listeners,
)
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.names import CILIUM_LINK, Cluster
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import (
    all_processes,
    read_process,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import MARK_PROGRAM

# A kernel setting that is missing until its module is loaded.
MODULES = {"net.bridge.bridge-nf-call-iptables": "br_netfilter"}
MEMORY_FILE = "host.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the host has to offer."""

    address: str
    ranges: Mapping[str, IPv4Network]
    endpoints: Mapping[str, tuple[str, int]]
    settings: Mapping[str, str]
    alone: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing of it."""

    link: bool = False
    settings: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    cgroups: bool = False
    hierarchies: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)

    def summary(self, cluster: Cluster, wanted: Wanted) -> dict[str, Any]:
        """Return plain data: what will be there."""
        found: dict[str, Any] = {}
        if self.link:
            found["link"] = f"{cluster.link} with {wanted.address}"
        if self.settings:
            found["settings"] = {name: after for name, (_unused, after) in self.settings.items()}
        if self.hierarchies:
            found["cgroup_hierarchies"] = self.hierarchies
        if self.users:
            found["users"] = self.users
        if self.cgroups:
            found["cgroup"] = cluster.cgroup
        return found


def _describe_owner(inode: str) -> str:
    processes = all_processes()
    pid = owner(inode, processes)
    process = read_process(pid) if pid else None
    if process is None:
        return "a process that this user may not look into"
    described = f"{Path(process.argv[0]).name} (process {process.pid})"
    root = process.environment.get(MARK_PROGRAM, "").rpartition("/")[0]
    return f"{described} of the cluster in {root}" if root else described


def check_endpoints(wanted: Wanted, around: observe.Family) -> None:
    """Refuse to start when somebody else listens where this cluster will."""
    listeners = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            listeners += parse_listeners((Path("/proc/net") / table).read_text())
    own = {process.pid for process in around.programs}
    for name, listener in clashes(wanted.endpoints, listeners):
        if owner(listener.inode, own):
            continue
        raise RampartError(
            f"Port {listener.port} ({name}) is taken by {_describe_owner(listener.inode)}.",
            next_step="give this cluster another cluster_index, or end the other program",
            port=listener.port,
            component=name,
        )


def check_commands(wanted: Wanted) -> None:
    """Refuse to go on without programs that the components call by name, and only say so in their logs."""
    missing = [name for name in wanted.commands if not shutil.which(name)]
    if missing:
        raise RampartError(
            f"This machine lacks {', '.join(missing)}, which the cluster's components call.",
            next_step="install them (Debian's packages iproute2, iptables, nftables and mount have them)",
            missing=missing,
        )


def check_alone(wanted: Wanted, around: observe.Family) -> None:
    """Refuse a second program of a kind of which a network namespace bears only one."""
    for name in wanted.alone:
        if name in around.others:
            raise RampartError(
                f"{name} already runs on this machine ({around.others[name]}), and a second one would fight "
                "with it over the same kernel tables.",
                next_step="stop the other cluster, or give this one the other cluster_cni (cilium, bridge) "
                "or no node (cluster_node_enabled: false)",
                component=name,
            )


def check_ranges(cluster: Cluster, wanted: Wanted) -> None:
    """Refuse addresses that lead somewhere else already."""
    names = [re.escape(cluster.link), re.escape(cluster.bridge)]
    if cluster.cilium_state.is_dir():
        names.append(CILIUM_LINK.pattern)
    own = re.compile("|".join(names))
    overlap(wanted.ranges, observe.ip("-4", "route", "show"), own)


def gap(cluster: Cluster, wanted: Wanted) -> Gap:
    """Compare what is there with what is wanted."""
    settings = {}
    for name, value in wanted.settings.items():
        present = observe.read_setting(name)
        if present != value:
            settings[name] = (present, value)
    return Gap(
        link=not _has_address(cluster, wanted),
        settings=settings,
        cgroups=not all(folder.is_dir() for folder in cgroups.folders(cluster.cgroup)),
        hierarchies=cgroups.lacking(),
        users=users.missing(wanted.users),
    )


def _has_address(cluster: Cluster, wanted: Wanted) -> bool:
    """Whether the node's address is on this machine; it may be one of the machine's own."""
    for link in observe.links().values():
        if wanted.address in {entry.get("local") for entry in link.get("addr_info", [])}:
            return link["ifname"] != cluster.link or "UP" in link.get("flags", [])
    return False


def fill(cluster: Cluster, wanted: Wanted, missing: Gap) -> list[str]:
    """Make what is missing; return the settings that this kernel does not let us make."""
    ip = Cli("ip", timeout=10)
    if missing.link:
        if cluster.link not in observe.links():
            ip.run("link", "add", cluster.link, "type", "bridge")
        ip.run("address", "replace", str(IPv4Interface(f"{wanted.address}/32")), "dev", cluster.link)
        ip.run("link", "set", cluster.link, "up")
    users.make(missing.users)
    memory = _Memory.read(cluster)
    for hierarchy in missing.hierarchies:
        memory.mounts.append(hierarchy)
        memory.write(cluster)
        cgroups.mount(hierarchy)
    # Asked anew: a hierarchy that was just mounted needs one as well.
    for folder in cgroups.folders(cluster.cgroup):
        cgroups.make(folder)
    return _set(cluster, missing, memory)


def remove_link(cluster: Cluster) -> None:
    """Remove the link with the node's address."""
    if cluster.link in observe.links():
        Cli("ip", timeout=10).run("link", "delete", cluster.link)


@dataclass(frozen=True, slots=True)
class _Memory:
    """What was on the machine before: written before anything is changed, so that it can be undone."""

    settings: dict[str, str] = field(default_factory=dict)
    mounts: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, cluster: Cluster) -> _Memory:
        try:
            found = json.loads((cluster.root / MEMORY_FILE).read_text())
            return cls(dict(found["settings"]), list(found["mounts"]))
        except (FileNotFoundError, ValueError, KeyError):
            return cls()

    def write(self, cluster: Cluster) -> None:
        cluster.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = json.dumps({"settings": self.settings, "mounts": self.mounts}, indent=2)
        write_atomic(cluster.root / MEMORY_FILE, content.encode() + b"\n")


def _set(cluster: Cluster, missing: Gap, memory: _Memory) -> list[str]:
    refused = []
    for name, (_unused, value) in missing.settings.items():
        if observe.read_setting(name) is None and name in MODULES and shutil.which("modprobe"):
            Cli("modprobe", timeout=30).run(MODULES[name], accept=(0, 1))
        present = observe.read_setting(name)
        if present is not None and name not in memory.settings:
            memory.settings[name] = present
            memory.write(cluster)
        if present != value and not observe.write_setting(name, value):
            refused.append(name)
    return refused


def to_restore(cluster: Cluster, around: observe.Family) -> dict[str, Any]:
    """Return what the machine was changed in for its first cluster; nothing while another one runs."""
    if around.others.keys() & {"kubelet", "kube-apiserver"}:
        return {}
    memory = _Memory.read(cluster)
    found: dict[str, Any] = {
        "settings": {name: old for name, old in memory.settings.items() if observe.read_setting(name) != old},
        "cgroup_hierarchies": memory.mounts,
    }
    return {kind: things for kind, things in found.items() if things}


def restore(things: Mapping[str, Any]) -> None:
    """Put it back."""
    for name, value in things.get("settings", {}).items():
        observe.write_setting(name, value)
    for hierarchy in things.get("cgroup_hierarchies", []):
        cgroups.unmount(hierarchy)
