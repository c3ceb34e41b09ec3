# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Proves network policies by packets between real pods."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live
from ansible_collections.rampart.k8s.plugins.module_utils._verify import gate, objects, truth_table
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import Cluster
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate
from ansible_collections.rampart.k8s.plugins.module_utils._verify.truth_table import Cell, Place

TARGETS = "rampart.k8s/targets"
END = "rampart-end"
TRIES = 3
# A probe that says nothing for so long has not heard of the others.
SILENCE = 15.0

# Listens on every port, then waits until the addresses of the others are known: they come as an
# annotation, since a pod that may reach nobody cannot ask for them. What must arrive is tried more
# than once, because a full backlog looks like a wall; a wall is a wall at the first try.
SCRIPT = f"""
for port in $PORTS; do nc -ll -p "$port" -e /bin/sh -c 'echo rampart' & done
while [ ! -s /probe/targets ]; do sleep 0.1; done
while read -r key first second rest; do [ "$key" = search ] && domain=$second; done </etc/resolv.conf
try() {{
  if [ "$1" = {truth_table.DNS} ]; then nslookup -type=a "kubernetes.default.$domain" >/dev/null 2>&1
  else [ "$(nc -w 2 "$2" "$3" </dev/null 2>/dev/null)" = rampart ]; fi
}}
tried=
while read -r key tries address port; do
  (while [ "$tries" -gt 0 ]; do
    try "$key" "$address" "$port" && echo "$key yes" && exit
    tries=$((tries - 1))
  done; echo "$key no") &
  tried="$tried $!"
done </probe/targets
wait $tried
echo {END}
while :; do sleep 60; done
"""


def probe(place: Place, name: str, image: str, ports: list[int]) -> dict[str, Any]:
    """Return the pod of one place."""
    container = objects.restricted_container(
        image,
        ["/bin/sh", "-c", SCRIPT],
        env=[{"name": "PORTS", "value": " ".join(str(port) for port in ports)}],
        volumeMounts=[{"name": "probe", "mountPath": "/probe", "readOnly": True}],
    )
    targets = {"path": "targets", "fieldRef": {"fieldPath": f"metadata.annotations['{TARGETS}']"}}
    spec = objects.restricted_spec(
        container,
        automountServiceAccountToken=False,
        volumes=[{"name": "probe", "downwardAPI": {"items": [targets]}}],
    )
    # Low ports without a capability; a safe sysctl, which the level restricted accepts.
    spec["securityContext"]["sysctls"] = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    return objects.pod(name, place.namespace, spec, place.labels)


def read_answers(log: str, cells: Mapping[str, Cell]) -> dict[Cell, bool]:
    """Read what a probe printed; a line that is not whole counts as no answer."""
    found = {}
    for line in log.splitlines():
        key, _unused, answer = line.partition(" ")
        if key in cells and answer in ("yes", "no"):
            found[cells[key]] = answer == "yes"
    return found


def follow(client: Client, path: str, timeout: float, clock: Callable[[], float] = time.monotonic) -> str:
    """Follow a probe's output until it says that it is done.

    A kubelet can miss what is written into a volume that it is still setting up, and looks again a
    minute later. It looks at once when anything else of the pod changes.
    """
    end = clock() + timeout
    for turn in itertools.count():
        text = ""
        left = max(end - clock(), 1.0)
        stream = client.transport.stream(f"{path}/log", {"follow": "true"}, timeout=min(left, SILENCE))
        for line in stream:
            if line.decode() == END:
                return text
            text += line.decode() + "\n"
        if clock() >= end:
            break
        patch = {"metadata": {"annotations": {"rampart.k8s/asked-again": str(turn)}}}
        client.call("PATCH", path, body=patch, content_type=MERGE, verb="point", target=path)
    return text


class NetworkVerify(ProofGate):
    """Puts a probe in every place, lets each try all others, and compares with the definition."""

    name = "network_verify"
    control = "network"
    claim = "every packet of the definition"

    def depends_on(self, cluster: Cluster) -> dict[str, Any]:
        """Return every policy that stands, and the network's own programs where they run as pods."""
        return cluster.network()

    def outline(self, client: Client) -> str:
        """Count the packets."""
        places, there = self._places(client)
        standing = [place for place in places if place.namespace in there]
        table = truth_table.table(dict.fromkeys(standing, ""), self.parameters["definitions"], _labels(there))
        return f"{len(table)} packets between {len(standing)} pods"

    def _places(self, client: Client) -> tuple[list[Place], dict[str, dict[str, Any]]]:
        places = truth_table.places(self.parameters["environments"], self.parameters["peers"])
        return places, live.namespaces(client, {place.namespace for place in places})

    def prove(self, client: Client) -> list[gate.Proof]:
        """Send the packets."""
        places, there = self._places(client)
        missing = [place for place in places if place.namespace not in there]
        proofs = [
            gate.Proof(str(place), gate.Verdict.NOT_PROVEN, True, "its namespace does not exist")
            for place in missing
        ]
        places = [place for place in places if place.namespace in there]
        with Bench(client, there) as bench:
            addresses, silent = self._stand_up(bench, places)
            proofs += [
                gate.Proof(str(place), gate.Verdict.NOT_PROVEN, True, reason)
                for place, reason in silent.items()
            ]
            cells = truth_table.table(addresses, self.parameters["definitions"], _labels(there))
            arrived = self._try(bench, addresses, cells)
        if arrived and not truth_table.enforces(arrived):
            groups = [group["name"] for group in client.get("/apis")["groups"]]
            network = truth_table.network_name(groups)
            claim = "the cluster's network enforces NetworkPolicies"
            said = f"{network} lets a walled-in pod speak: every policy of this cluster is without effect"
            proofs.append(gate.Proof(claim, gate.Verdict.BROKEN, True, said))
        proofs += truth_table.judge(cells, arrived)
        return proofs

    def _stand_up(self, bench: Bench, places: list[Place]) -> tuple[dict[Place, str], dict[Place, str]]:
        """Start the probes; return the address of each that runs, and why the others do not."""
        ports = truth_table.ports(self.parameters["definitions"])
        named = {place: f"rampart-probe-{bench.run}-{place.name}"[:63] for place in places}
        wall = {
            **truth_table.WALL,
            "metadata": {**truth_table.WALL["metadata"], "labels": {objects.LABEL: "true"}},
        }
        bench.create([wall])
        bench.create([probe(place, named[place], self.parameters["image"], ports) for place in places])
        full = {f"{place.namespace}/{named[place]}": place for place in places}
        running, waiting = bench.wait("/api/v1/pods", full, _runs, self.parameters["timeout"])
        self._named = named
        return (
            {full[name]: item["status"]["podIP"] for name, item in running.items()},
            {
                full[name]: objects.trouble(item) or "its pod did not start in time"
                for name, item in waiting.items()
            },
        )

    def _try(self, bench: Bench, addresses: dict[Place, str], cells: list[Cell]) -> dict[Cell, bool]:
        by_source: dict[Place, dict[str, Cell]] = {place: {} for place in addresses}
        for cell in cells:
            by_source[cell.source][cell.key] = cell

        paths = {
            place: f"/api/v1/namespaces/{place.namespace}/pods/{self._named[place]}" for place in addresses
        }

        def point(place: Place) -> None:
            lines = [
                f"{key} {TRIES if cell.allowed else 1} "
                f"{addresses[cell.target] if cell.target else '-'} {cell.port}\n"
                for key, cell in by_source[place].items()
            ]
            patch = {"metadata": {"annotations": {TARGETS: "".join(lines)}}}
            bench.client.call(
                "PATCH", paths[place], body=patch, content_type=MERGE, verb="point", target=str(place)
            )

        # All at once: a probe tries while the others are still being told.
        bench.client.map(point, addresses)
        found: dict[Cell, bool] = {}
        for place in addresses:
            log = follow(bench.client, paths[place], self.parameters["timeout"])
            found |= read_answers(log, by_source[place])
        return found


def _labels(namespaces: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    return {name: item["metadata"].get("labels") or {} for name, item in namespaces.items()}


def _runs(item: Mapping[str, Any]) -> bool:
    status = item.get("status") or {}
    states = [container.get("state") or {} for container in status.get("containerStatuses") or []]
    return bool(status.get("podIP")) and bool(states) and all("running" in state for state in states)
