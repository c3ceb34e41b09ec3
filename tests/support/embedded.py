# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An embedded cluster as this machine sees it."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._cluster import observe
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.names import Cluster


def names(state: Path, name: str, index: int) -> Cluster:
    """Return what a cluster of that name and index calls its parts."""
    return Cluster(
        root=state / name,
        network=f"rampart-{name}",
        link=f"rmp{index}node",
        bridge=f"rmp{index}pods",
        cgroup=f"/rampart/{name}",
        pod_cidr=IPv4Network(f"10.{128 + index}.0.0/16"),
    )


def network(cluster: Cluster) -> str:
    """Return the network that a cluster can have: Cilium when no other one of the machine has it."""
    return "bridge" if "cilium-agent" in observe.family(cluster).others else "cilium"
