# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Proves network policies by packets between real pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import Kind
from ansible_collections.rampart.k8s.plugins.module_utils._verify import (
    gate,
    objects,
    other_policies,
    packets,
    probe,
    truth_table,
)
from ansible_collections.rampart.k8s.plugins.module_utils._verify import places as where
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import Cluster
from ansible_collections.rampart.k8s.plugins.module_utils._verify.places import End, Place
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import (
    Policies,
    named_ports,
)
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate
from ansible_collections.rampart.k8s.plugins.module_utils._verify.truth_table import Cell, Rules

RESOLVERS = f"/api/v1/namespaces/{where.SYSTEM}/pods"
RESOLVING = {"labelSelector": ",".join(f"{key}={value}" for key, value in where.RESOLVER.items())}
SERVICE = "/api/v1/namespaces/default/services/kubernetes"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
BEHIND = {"labelSelector": "kubernetes.io/service-name=kubernetes"}
CILIUM = "/apis/cilium.io/v2/ciliumnetworkpolicies"
PODS = Kind("Pod", "v1", "pods")


class Ground:
    """What the packets are judged by: every policy that lives, the definition, and what is no probe."""

    def __init__(
        self, client: Client, parameters: Mapping[str, Any], standing: list[Place], there: Mapping[str, Any]
    ):
        network = Cluster(client).network()
        found = network["policies"]
        alive = [{"kind": "NetworkPolicy", **item} for item in found.get(other_policies.NETWORK_POLICIES, [])]
        declared = [*parameters["definitions"], where.WALL]
        self.network = network
        self.sctp = list(truth_table.sctp(item for item in alive if item["metadata"]["namespace"] in there))
        # Whatever a policy opens, declared or not, is listened for.
        every = [item for item in (*alive, *declared) if item["metadata"].get("namespace") in there]
        pods = live.read(client, there, [PODS]) if named_ports(every) else {}
        self.named = where.named(standing, every, {name: kinds[PODS.kind] for name, kinds in pods.items()})
        self.listening = truth_table.ports(every, self.named.values())
        # No probe stands beside the resolver, and policies know its namespace all the same.
        homes = {**there, **live.namespaces(client, [where.SYSTEM])}
        labels = {name: item["metadata"].get("labels") or {} for name, item in homes.items()}
        own = [item for item in declared if item["kind"] == "CiliumNetworkPolicy"]
        self.rules = Rules(
            Policies(alive, labels, other_policies.others(found)),
            Policies(declared, labels, other_policies.others({CILIUM: own})),
            frozenset(item["namespace"] for item in parameters["environments"]),
        )
        resolving, _version = client.list_all(RESOLVERS, query=RESOLVING)
        slices, _version = client.list_all(SLICES, query=BEHIND)
        self.ends: list[End] = where.ends(resolving, client.find(SERVICE), slices, parameters["outside"])

    def table(self, addresses: Mapping[Place, str]) -> list[Cell]:
        """Compute every packet between the probes that stand."""
        standing = {
            place: probe.endpoint(place, address, self.named[place]) for place, address in addresses.items()
        }
        return truth_table.table(standing, self.ends, self.rules, self.listening)


class NetworkVerify(ProofGate):
    """Puts a probe in every place, lets each try all others, and compares with the definition."""

    name = "network_verify"
    control = "network"
    claim = "every packet of the definition"

    def depends_on(self, cluster: Cluster) -> dict[str, Any]:
        """Return every policy that stands, what they call ports, and the network's programs that are pods."""
        environments = (item["namespace"] for item in self.parameters["environments"])
        called = cluster.called((where.SYSTEM, *environments, *self.parameters["peers"]))
        return {**cluster.network(), "ports": called}

    def outline(self, client: Client) -> str:
        """Count the packets."""
        places, there = self._places(client)
        standing = [place for place in places if place.namespace in there]
        table = Ground(client, self.parameters, standing, there).table(dict.fromkeys(standing, ""))
        return f"{len(table)} packets between {len(standing)} pods"

    def _places(self, client: Client) -> tuple[list[Place], dict[str, dict[str, Any]]]:
        places = where.places(self.parameters["environments"], self.parameters["peers"])
        return places, live.namespaces(client, {place.namespace for place in places})

    def prove(self, client: Client) -> list[gate.Proof]:
        """Send the packets."""
        places, there = self._places(client)
        missing = {place: "its namespace does not exist" for place in places if place.namespace not in there}
        places = [place for place in places if place.namespace in there]
        with Bench(client, there) as bench:
            wall = {**where.WALL["metadata"], "labels": {objects.LABEL: "true"}}
            bench.create([{**where.WALL, "metadata": wall}])
            ground = Ground(client, self.parameters, places, there)
            addresses, silent = self._stand_up(bench, ground, places)
            cells = ground.table(addresses)
            answers = self._try(bench, addresses, cells)
        self.more = {"undecided": packets.undecided(answers)}
        # A cluster has as many policies as it likes, and a record has its limits.
        self.shown = {"policies": packets.deciding(cells), "packets": packets.reasons(cells)}
        return [
            *(
                gate.Proof(str(place), gate.Verdict.NOT_PROVEN, True, reason)
                for place, reason in (missing | silent).items()
            ),
            *self._doubts(ground, answers),
            *packets.judge(cells, answers),
        ]

    def _doubts(self, ground: Ground, answers: packets.Answers) -> Iterator[gate.Proof]:
        """Say what holds for all packets: a network that obeys nobody, a protocol that is not tried."""
        if answers and not packets.enforces(answers):
            claim = "the cluster's network enforces NetworkPolicies"
            said = (
                f"{self._network(ground)} ignores NetworkPolicy: it lets a walled-in pod speak, and every "
                "policy of this cluster is without effect"
            )
            yield gate.Proof(claim, gate.Verdict.BROKEN, True, said)
        for name in ground.sctp:
            yield gate.Proof(
                f"what {name} says of SCTP", gate.Verdict.NOT_PROVEN, True, "no probe speaks SCTP"
            )

    def _network(self, ground: Ground) -> str:
        own = packets.own_network(self.parameters.get("cluster_root"))
        daemons = [item["metadata"]["name"] for item in ground.network["daemons"]]
        groups = {path.split("/")[2] for path in ground.network["policies"] if path.startswith("/apis/")}
        return own or packets.network_name([*sorted(groups), *daemons])

    def _stand_up(
        self, bench: Bench, ground: Ground, places: list[Place]
    ) -> tuple[dict[Place, str], dict[Place, str]]:
        """Start the probes; return the address of each that runs, and why the others do not."""
        named = {place: f"rampart-probe-{bench.run}-{place.name}"[:63] for place in places}
        image = self.parameters["image"]
        bench.create(
            [probe.pod(place, named[place], image, ground.listening, ground.named[place]) for place in places]
        )
        full = {f"{place.namespace}/{named[place]}": place for place in places}
        running, waiting = bench.wait("/api/v1/pods", full, objects.runs, self.parameters["timeout"])
        self._named = named
        return (
            {full[name]: item["status"]["podIP"] for name, item in running.items()},
            {
                full[name]: objects.trouble(item) or "its pod did not start in time"
                for name, item in waiting.items()
            },
        )

    def _try(
        self, bench: Bench, addresses: dict[Place, str], cells: list[Cell]
    ) -> dict[Cell, packets.Answer]:
        by_source: dict[Place, dict[str, Cell]] = {place: {} for place in addresses}
        for cell in cells:
            by_source[cell.source][cell.key] = cell

        paths = {
            place: f"/api/v1/namespaces/{place.namespace}/pods/{self._named[place]}" for place in addresses
        }

        def point(place: Place) -> None:
            text = probe.targets(by_source[place].values(), addresses)
            patch = {"metadata": {"annotations": {probe.TARGETS: text}}}
            bench.client.call(
                "PATCH", paths[place], body=patch, content_type=MERGE, verb="point", target=str(place)
            )

        # All at once: a probe tries while the others are still being told.
        bench.client.map(point, addresses)
        found: dict[Cell, packets.Answer] = {}
        for place in addresses:
            log = probe.follow(bench.client, paths[place], self.parameters["timeout"])
            found |= probe.read_answers(log, by_source[place])
        return found
