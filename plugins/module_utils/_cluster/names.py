# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What one cluster is called on the host, and the decisions about what of it is left there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

# Routing tables and rule priorities of Cilium's proxy redirection (its pkg/datapath/linux/route).
CILIUM_TABLES = frozenset({"2004", "2005"})
CILIUM_LOCAL_PRIORITY = 100
CILIUM_LINK = re.compile(r"cilium_(host|net|vxlan|geneve)|lxc[0-9a-f_]+|lxc_health")
CILIUM_CHAIN = re.compile(r"(OLD_)?CILIUM_\w+")
KUBELET_CHAIN = re.compile(r"KUBE-[\w-]+")
PLUGIN_CHAIN = re.compile(r"CNI-(DN-|SN-|HOSTPORT-)?[0-9a-f]{8,}")


@dataclass(frozen=True, slots=True)
class Cluster:
    """The names by which one cluster's things on the host are known."""

    root: Path
    network: str
    link: str
    bridge: str
    cgroup: str
    pod_cidr: IPv4Network

    @property
    def mark(self) -> str:
        """How the mark of its processes starts (see _supervise.program)."""
        return f"{self.root}/"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def cilium_state(self) -> Path:
        """Exists when this cluster, and not another one on the machine, has run Cilium."""
        return self.run / "cilium"


def mounts_below(mountinfo: str, root: Path) -> list[str]:
    """Return the mount points below a folder, the innermost first (proc(5), mountinfo)."""
    points = []
    for line in mountinfo.splitlines():
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), line.split()[4])
        if point.startswith(f"{root}/"):
            points.append(point)
    # The later of two mounts on one point lies on top.
    return points[::-1]


def stale_links(links: Iterable[str], cluster: Cluster, *, cilium: bool) -> list[str]:
    """Name the links of pods; a veth pair is deleted by either end."""
    return [
        name
        for name in links
        if name == cluster.bridge or (cilium and CILIUM_LINK.fullmatch(name) is not None)
    ]


def stale_rules(rules: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Return the ``ip rule`` commands that undo Cilium's, the look-up of local addresses first.

    Without a rule for the table of local addresses the machine does not know its own addresses, so
    it is put back at 0 before the one at 100 goes.
    """
    commands = []
    local = [
        int(rule["priority"]) for rule in rules if rule.get("table") == "local" and rule.get("src") == "all"
    ]
    if CILIUM_LOCAL_PRIORITY in local:
        if 0 not in local:
            commands.append(["add", "from", "all", "lookup", "local", "pref", "0"])
        commands.append(["del", "from", "all", "lookup", "local", "pref", str(CILIUM_LOCAL_PRIORITY)])
    commands += [
        ["del", "pref", str(rule["priority"])] for rule in rules if str(rule.get("table")) in CILIUM_TABLES
    ]
    return commands


def _ours(rule: str, cluster: Cluster) -> bool:
    """Whether a rule was made by a CNI plugin for a pod of this cluster."""
    if f'name: \\"{cluster.network}\\"' in rule or f'name: "{cluster.network}"' in rule:
        return True
    if not rule.startswith("-A CNI-FORWARD "):
        return False
    addresses = re.findall(r"-[sd] ([0-9.]+)/32", rule)
    return any(IPv4Address(address) in cluster.pod_cidr for address in addresses)


def _target(rule: str) -> str:
    found = re.search(r" -[jg] (\S+)", rule)
    return found.group(1) if found else ""


def _idle(rules: Sequence[str], own_rules: Sequence[str]) -> list[str]:
    """Name the chains of the CNI firewall plugin when no pod of any cluster needs them any more."""
    chains = ["CNI-FORWARD", "CNI-ADMIN"]
    kept = [rule for rule in rules if rule.split()[1] in chains and rule not in own_rules]
    return chains if all(_target(rule) == "CNI-ADMIN" for rule in kept) else []


def stale_packet_rules(saved: str, cluster: Cluster, *, cilium: bool, kubelet: bool) -> str:
    """Turn the output of ``iptables-save`` into input for ``iptables-restore --noflush``.

    ``cilium`` and ``kubelet`` say whether the chains of these are this cluster's leftovers; those
    of the CNI plugins tell by themselves which cluster they are of. Empty when nothing is left.
    """
    output: list[str] = []
    for table in re.findall(r"^\*(\w+)\n(.*?)^COMMIT$", saved, re.MULTILINE | re.DOTALL):
        name, body = table
        lines = body.splitlines()
        rules = [line for line in lines if line.startswith("-A ")]
        chains = [line[1:].split()[0] for line in lines if line.startswith(":")]
        own_rules = [rule for rule in rules if _ours(rule, cluster)]
        named = {_target(rule) for rule in own_rules} | {rule.split()[1] for rule in own_rules}
        doomed = [
            chain
            for chain in chains
            if (cilium and CILIUM_CHAIN.fullmatch(chain))
            or (kubelet and KUBELET_CHAIN.fullmatch(chain))
            or (chain in named and PLUGIN_CHAIN.fullmatch(chain))
        ]
        doomed += [chain for chain in _idle(rules, own_rules) if kubelet and chain in chains]
        removed = [
            f"-D {rule[3:]}"
            for rule in rules
            if rule.split()[1] not in doomed and (rule in own_rules or _target(rule) in doomed)
        ]
        if removed or doomed:
            output += [f"*{name}", *removed]
            output += [f"-F {chain}" for chain in doomed] + [f"-X {chain}" for chain in doomed]
            output.append("COMMIT")
    return "".join(f"{line}\n" for line in output)
