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

from ansible_collections.rampart.k8s.plugins.module_utils._cluster import observe
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
SETTINGS_FILE = "host-settings.json"
CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the host has to offer."""

    address: str
    ranges: Mapping[str, IPv4Network]
    endpoints: Mapping[str, tuple[str, int]]
    settings: Mapping[str, str]
    alone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing of it."""

    link: bool = False
    settings: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    cgroups: list[Path] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.link or self.settings or self.cgroups)

    def summary(self, cluster: Cluster, wanted: Wanted) -> dict[str, Any]:
        """Return plain data: what will be there."""
        found: dict[str, Any] = {}
        if self.link:
            found["link"] = f"{cluster.link} with {wanted.address}"
        if self.settings:
            found["settings"] = {name: after for name, (_, after) in self.settings.items()}
        if self.cgroups:
            found["cgroups"] = [str(folder) for folder in self.cgroups]
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
    own = re.compile("|".join([re.escape(cluster.link), re.escape(cluster.bridge), CILIUM_LINK.pattern]))
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
        cgroups=[folder for folder in observe.cgroup_folders(cluster.cgroup) if not folder.is_dir()],
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
    for folder in missing.cgroups:
        _make_cgroup(folder)
    return _set(cluster, missing)


def remove_link(cluster: Cluster) -> None:
    """Remove the link with the node's address."""
    if cluster.link in observe.links():
        Cli("ip", timeout=10).run("link", "delete", cluster.link)


def _set(cluster: Cluster, missing: Gap) -> list[str]:
    refused = []
    before = _remembered(cluster)
    for name, (_, value) in missing.settings.items():
        if observe.read_setting(name) is None and name in MODULES and shutil.which("modprobe"):
            Cli("modprobe", timeout=30).run(MODULES[name], accept=(0, 1))
        present = observe.read_setting(name)
        if present is not None and name not in before:
            before[name] = present
            cluster.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Written first: a setting that was made and forgotten could not be undone.
            write_atomic(cluster.root / SETTINGS_FILE, json.dumps(before, indent=2).encode() + b"\n")
        if present != value and not observe.write_setting(name, value):
            refused.append(name)
    return refused


def _remembered(cluster: Cluster) -> dict[str, str]:
    try:
        return dict(json.loads((cluster.root / SETTINGS_FILE).read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def settings_to_restore(cluster: Cluster, around: observe.Family) -> dict[str, str]:
    """Return the settings that the machine had before its first cluster; none while another one runs."""
    if around.others.keys() & {"kubelet", "kube-apiserver"}:
        return {}
    return {name: old for name, old in _remembered(cluster).items() if observe.read_setting(name) != old}


def _make_cgroup(folder: Path) -> None:
    """Make a cgroup whose children may use every controller that there is."""
    top = observe.CGROUP_MOUNT
    for path in reversed([folder, *folder.parents]):
        if top not in path.parents:
            continue
        path.mkdir(exist_ok=True)
        # Version 1: a new cpuset is empty, and nothing can run in it.
        for name in CPUSET_FILES:
            file = path / name
            if file.exists() and not file.read_text().strip():
                file.write_text((path.parent / name).read_text())
        # Version 2: controllers are handed down one level at a time.
        handed = path.parent / "cgroup.subtree_control"
        if handed.exists():
            for controller in (path.parent / "cgroup.controllers").read_text().split():
                with contextlib.suppress(OSError):
                    handed.write_text(f"+{controller}")
