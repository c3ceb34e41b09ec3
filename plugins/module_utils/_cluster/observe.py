# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Looks at what a cluster has on this host. Reads only."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cluster import cgroups
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.names import (
    Cluster,
    mounts_below,
    stale_links,
    stale_packet_rules,
    stale_rules,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import Process, all_processes
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import MARK_PROGRAM

CNI_CACHE = Path("/var/lib/cni/results")
POD_LOG_LINKS = Path("/var/log/containers")
SHIM = "containerd-shim"
# Programs that write into tables of the network namespace under names that are always the same.
SHARING = frozenset({"cilium-agent", "kube-apiserver", "kube-proxy", "kubelet"})
CILIUM_RUN = Path("/var/run/cilium")
PACKET_FILTERS = (("iptables-save", "iptables-restore"), ("ip6tables-save", "ip6tables-restore"))
PROXY_TABLES = (("ip", "kube-proxy"), ("ip6", "kube-proxy"))


def ip(*arguments: str) -> Any:
    """Ask iproute2 for its data; it prints nothing at all when there is none.

    A machine without it has nothing of a cluster either, and a run in check mode goes on.
    """
    if not shutil.which("ip"):
        return []
    done = Cli("ip", timeout=10).run("-json", *arguments)
    return done.json() if done.stdout.strip() else []


@dataclass(frozen=True, slots=True)
class Family:
    """The processes of one cluster, and what else of that kind runs here, by name and whose it is."""

    programs: tuple[Process, ...]
    shims: tuple[Process, ...]
    containers: frozenset[int]
    others: Mapping[str, str]

    @property
    def alive(self) -> bool:
        return bool(self.programs or self.shims)


def family(cluster: Cluster) -> Family:
    """Find the cluster's processes: its programs and shims by their mark, containers by their cgroup."""
    programs, shims, others = [], [], {}
    containers = cgroups.processes(cgroups.folders(cluster.cgroup))
    here = _network_namespace("self")
    for process in all_processes().values():
        name = Path(process.argv[0]).name
        mark = process.environment.get(MARK_PROGRAM, "")
        if process.pid in containers:
            continue
        if not mark.startswith(cluster.mark):
            # A node in a container or a machine of its own shares no table with this one.
            if name in SHARING and _network_namespace(str(process.pid)) == here:
                others[name] = mark.rpartition("/")[0] or f"process {process.pid}"
        elif name.startswith(SHIM):
            shims.append(process)
        elif process.belongs_to(cluster.root):
            programs.append(process)
    return Family(tuple(programs), tuple(shims), frozenset(containers), others)


def _network_namespace(pid: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What is left of a cluster of which nothing runs any more."""

    mounts: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    rules: list[list[str]] = field(default_factory=list)
    packet_rules: dict[str, str] = field(default_factory=dict)
    proxy_tables: list[tuple[str, str]] = field(default_factory=list)
    cgroups: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return plain data for a person; empty kinds are left out."""
        counted = {
            "mounts": self.mounts,
            "links": self.links,
            "routing_rules": [" ".join(rule) for rule in self.rules],
            "packet_rules": [
                line for text in self.packet_rules.values() for line in text.splitlines() if line[0] in "-"
            ],
            "proxy_tables": [" ".join(table) for table in self.proxy_tables],
            "cgroups": [str(folder) for folder in self.cgroups],
            "files": [str(file) for file in self.files],
        }
        return {kind: things for kind, things in counted.items() if things}


def _stale_files(cluster: Cluster, *, cilium: bool) -> Iterator[Path]:
    """Yield what a killed node leaves outside of mounts; its data folders are not leftovers."""
    if cilium and CILIUM_RUN.is_dir():
        yield CILIUM_RUN
    if cluster.run.is_dir():
        yield from sorted(cluster.run.iterdir())
    with contextlib.suppress(FileNotFoundError):
        for link in sorted(POD_LOG_LINKS.iterdir()):
            if link.is_symlink() and os.readlink(link).startswith(cluster.mark):
                yield link
    if CNI_CACHE.is_dir():
        yield from sorted(CNI_CACHE.glob(f"{cluster.network}-*"))
    # The plugin's record of who has which address: all its owners are gone.
    addresses = cluster.root / "data" / "cni"
    if addresses.is_dir():
        yield addresses


def _proxy_tables() -> list[tuple[str, str]]:
    if not shutil.which("nft"):
        return []
    tables = Cli("nft", timeout=10).run("-j", "list", "tables").json()["nftables"]
    present = {(entry["table"]["family"], entry["table"]["name"]) for entry in tables if "table" in entry}
    return [table for table in PROXY_TABLES if table in present]


def _packet_rules(cluster: Cluster, *, cilium: bool, kubelet: bool) -> dict[str, str]:
    found = {}
    for save, restore in PACKET_FILTERS:
        if shutil.which(save):
            saved = Cli(save, timeout=10).run().stdout
            text = stale_packet_rules(saved, cluster, cilium=cilium, kubelet=kubelet)
            if text:
                found[restore] = text
    return found


def leftovers(cluster: Cluster, around: Family) -> Leftovers:
    """List what is left. Only to be asked when nothing of the cluster runs.

    Some names on the host are shared by all clusters: the chains of kubelet and kube-proxy, and all
    of Cilium's. They count as leftovers of this one only when it has run a node, and when no other
    program of that kind runs on the machine.
    """
    ran_node = (cluster.root / "data" / "kubelet" / "pods").is_dir()
    cilium = cluster.cilium_state.is_dir() and "cilium-agent" not in around.others
    kubelet = ran_node and "kubelet" not in around.others
    return Leftovers(
        mounts=mounts_below(Path("/proc/self/mountinfo").read_text(), cluster.root),
        links=stale_links((link["ifname"] for link in ip("link", "show")), cluster, cilium=cilium),
        rules=stale_rules(ip("rule", "show")) if cilium else [],
        packet_rules=_packet_rules(cluster, cilium=cilium, kubelet=kubelet),
        proxy_tables=_proxy_tables() if ran_node and "kube-proxy" not in around.others else [],
        cgroups=[folder for folder in cgroups.folders(cluster.cgroup) if folder.is_dir()],
        files=list(_stale_files(cluster, cilium=cilium)),
    )


def read_setting(name: str) -> str | None:
    """Read a kernel setting; None when this kernel does not have it, or its module is not loaded."""
    try:
        return _setting(name).read_text().strip()
    except FileNotFoundError:
        return None


def _setting(name: str) -> Path:
    return Path("/proc/sys") / name.replace(".", "/")


def write_setting(name: str, value: str) -> bool:
    """Set a kernel setting; False when the kernel, or a container around us, refuses."""
    try:
        _setting(name).write_text(value)
    except OSError:
        return False
    return True


def links() -> dict[str, dict[str, Any]]:
    """Return all links with their addresses, by name."""
    return {json_link["ifname"]: json_link for json_link in ip("address", "show")}


def egress_link() -> str:
    """Return the link of the default route; empty on a machine without a network."""
    routes = ip("-4", "route", "show", "default")
    return str(routes[0].get("dev", "")) if routes else ""
