# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small world of policies and of places that packets are sent between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._verify import places, probe, truth_table
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Policies
from ansible_collections.rampart.k8s.plugins.module_utils._verify.truth_table import Cell, Rules


def network_policy(
    namespace: str, name: str, pods: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    return {
        "kind": "NetworkPolicy",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"podSelector": pods or {}, **spec},
    }


DENY = network_policy("dev", "deny", policyTypes=["Ingress", "Egress"])
WEB = {"from": [{"namespaceSelector": {"matchLabels": {"name": "web"}}}], "ports": [{"port": 8000}]}
API = network_policy(
    "dev", "api", {"matchLabels": {places.NAME: "api"}}, policyTypes=["Ingress"], ingress=[WEB]
)
DEFINITION = [DENY, API]
NAMESPACES = {
    "dev": {"name": "dev"},
    "web": {"name": "web"},
    "rampart-verify": {},
    "kube-system": {"kubernetes.io/metadata.name": "kube-system"},
}
PLACES = places.places([{"namespace": "dev", "applications": {"api": {}}}], ["web", "rampart-verify"])
STANDING = {place: probe.endpoint(place, f"10.0.0.{number}", {}) for number, place in enumerate(PLACES, 1)}
SERVER = {"spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 443}]}}
SLICES = [{"endpoints": [{"addresses": ["192.0.2.11", "192.0.2.12"]}], "ports": [{"port": 6443}]}]
RESOLVER = {
    "metadata": {"labels": {"k8s-app": "kube-dns"}},
    "spec": {
        "containers": [
            {
                "ports": [
                    {"name": "dns", "containerPort": 53, "protocol": "UDP"},
                    {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
                ]
            }
        ]
    },
    "status": {"podIP": "10.0.1.1"},
}
ENDS = places.ends([RESOLVER], SERVER, SLICES, ["203.0.113.1:443", "198.18.77.2:443"])


def cells(more: Sequence[Any], *, declared: Sequence[Any] | None = None, without: str = "") -> list[Cell]:
    """Compute the table with more policies; they are declared too unless others are said to be."""
    live = [item for item in (*DEFINITION, *more, places.WALL) if item["metadata"]["name"] != without]
    wanted = [*DEFINITION, *(more if declared is None else declared), places.WALL]
    rules = Rules(Policies(live, NAMESPACES), Policies(wanted, NAMESPACES), frozenset({"dev"}))
    return truth_table.table(STANDING, ENDS, rules, truth_table.ports([*live, *wanted], []))


CELLS = cells([])


def cell(text: str) -> Cell:
    return next(each for each in CELLS if str(each) == text)
