# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the proof of a whole network matrix takes: 3 namespaces with 6 pods each, and one probe at a time.

``python -m tests.benchmarks.network_matrix [--runs 3] [--sample 12] [--kubeconfig FILE --image IMAGE]``

A cluster with Cilium is made for it unless one is named. The contenders send packets of the same matrix one
after the other: by `kubectl exec` in pods that stand already, and by a pod for each packet. They are given a
sample of the matrix, with as many refusals in it as the matrix has, and their times are scaled to all of it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects, places, probe
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.network import Ground
from ansible_collections.rampart.k8s.plugins.module_utils._verify.truth_table import Cell

from tests.benchmarks import start_up
from tests.benchmarks.measure import ROOT, Cost, run
from tests.support.programs import tool

SPACES = ("matrix-0", "matrix-1", "matrix-2")
APPLICATIONS = ("a", "b", "c", "d", "e")
GOAL = 15.0


def policy(space: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": space},
        "spec": spec,
    }


def definition(space: str) -> list[dict[str, Any]]:
    """Deny everything but a chain: each application may call the next one, by TCP and by UDP."""
    made = [policy(space, "deny", podSelector={}, policyTypes=["Ingress", "Egress"])]
    ports = [{"port": 8000, "protocol": "TCP"}, {"port": 8125, "protocol": "UDP"}]
    for here, there in itertools.pairwise(APPLICATIONS):
        source, target = ({"matchLabels": {places.NAME: name}} for name in (here, there))
        out = [{"to": [{"podSelector": target}], "ports": ports}]
        into = [{"from": [{"podSelector": source}], "ports": ports}]
        made.append(policy(space, f"out-{here}", podSelector=source, policyTypes=["Egress"], egress=out))
        made.append(policy(space, f"in-{there}", podSelector=target, policyTypes=["Ingress"], ingress=into))
    return made


def prepare(client: Client) -> None:
    """Make the namespaces, the probes' accounts and the policies."""
    for space in (*SPACES, objects.NAMESPACE):
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        make(client, "/api/v1/namespaces", {"metadata": {"name": space, "labels": labels}})
        account = {"metadata": {"name": objects.ACCOUNT}}
        make(client, f"/api/v1/namespaces/{space}/serviceaccounts", account)
    for space in SPACES:
        for item in definition(space):
            make(client, f"/apis/networking.k8s.io/v1/namespaces/{space}/networkpolicies", item)


def make(client: Client, path: str, body: dict[str, Any]) -> None:
    if client.find(f"{path}/{body['metadata']['name']}") is None:
        client.call("POST", path, body=body)


def arguments(kubeconfig: str, image: str) -> dict[str, Any]:
    environments = [
        {"namespace": space, "applications": {name: {} for name in APPLICATIONS}} for space in SPACES
    ]
    return {
        "kubeconfig": kubeconfig,
        "image": image,
        "environments": environments,
        "definitions": [item for space in SPACES for item in definition(space)],
        "report_only": True,
    }


def module(given: dict[str, Any]) -> tuple[Cost, dict[str, Any]]:
    """Run the module in a process of its own; return what it took and what it answered."""
    code = (
        "import json,sys;from tests.support.modules import call;"
        "print(json.dumps(call('network_verify',json.loads(sys.argv[1]))))"
    )
    started = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(given)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "collections")))},
        stdout=subprocess.PIPE,
        text=True,
    )
    output = child.stdout.read() if child.stdout else ""
    _unused, code_, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(code_)
    if child.returncode:
        raise SystemExit("the module failed")
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime), json.loads(output)


def sample(cells: Sequence[Cell], size: int) -> list[Cell]:
    """Take packets by TCP, which every contender can send, with the matrix's share of refusals."""
    drawn: list[Cell] = []
    for verdict in (True, False):
        among = [cell for cell in cells if cell.allowed is verdict and cell.way == "tcp" and not cell.own]
        share = sum(cell.allowed is verdict for cell in cells) / len(cells)
        drawn += among[:: max(1, len(among) // max(1, round(size * share)))][:size]
    return drawn


def one_by_one(
    kubectl: Sequence[str], client: Client, given: dict[str, Any], size: int
) -> tuple[int, list[Any]]:
    """Measure both contenders; return how many packets the matrix has, and a row for each of them."""
    standing = places.places(given["environments"], [])
    there = {name: client.get(f"/api/v1/namespaces/{name}") for name in (*SPACES, objects.NAMESPACE)}
    with Bench(client, there) as bench:
        ground = Ground(client, {**given, "outside": ["203.0.113.1:443"]}, standing, there)
        pods = [
            probe.pod(place, place.name, given["image"], ground.listening, ground.named[place])
            for place in standing
        ]
        bench.create(pods)
        full = {f"{place.namespace}/{place.name}": place for place in standing}
        running, _rest = bench.wait("/api/v1/pods", full, lambda item: "podIP" in item.get("status", {}), 60)
        addresses = {full[name]: item["status"]["podIP"] for name, item in running.items()}
        cells = ground.table(addresses)
        drawn = sample(cells, size)
        time.sleep(2)
        rows = []
        for title, contender in (
            ("kubectl exec for each packet", by_exec),
            ("a pod for each packet", by_pod),
        ):
            costs = [
                run(contender(kubectl, cell, addresses[cell.target], given["image"], number))
                for number, cell in enumerate(drawn)
                if isinstance(cell.target, places.Place)
            ]
            scale = len(cells) / len(costs)
            rows.append(
                (title, sum(each.wall for each in costs) * scale, sum(each.cpu for each in costs) * scale)
            )
    return len(cells), rows


def by_exec(kubectl: Sequence[str], cell: Cell, address: str, _image: str, _number: int) -> list[str]:
    ask = f"nc -w 2 {address} {cell.port.number} </dev/null || true"
    return [*kubectl, "exec", f"--namespace={cell.source.namespace}", cell.source.name, "--", "sh", "-c", ask]


def by_pod(kubectl: Sequence[str], cell: Cell, address: str, image: str, number: int) -> list[str]:
    """Start a pod as the source is one, let it ask, and wait until it has ended."""
    ask = f"nc -w 2 {address} {cell.port.number} </dev/null || true"
    name = f"once-{number}"
    item = objects.pod(
        name,
        cell.source.namespace,
        objects.restricted_spec(objects.restricted_container(image, ["sh", "-c", ask])),
        cell.source.labels,
    )
    where = f"--namespace={cell.source.namespace}"
    words = " ".join(kubectl)
    steps = (
        f"echo '{json.dumps(item)}' | {words} create -f - && "
        f"{words} wait {where} pod/{name} --for=jsonpath={{.status.phase}}=Succeeded --timeout=60s && "
        f"{words} delete {where} pod/{name} --wait=false"
    )
    return ["sh", "-c", steps]


def measured(kubeconfig: str, image: str, runs: int, size: int) -> None:
    """Measure and print the table."""
    client = Client(Connection(kubeconfig, api_timeout=7200), Redactor())
    prepare(client)
    given = arguments(kubeconfig, image)
    costs = []
    for _run in range(runs):
        cost, answer = module(given)
        print(
            f"{cost.wall:.1f} s: {answer['reason']}",
            *answer["violations"][:3],
            *answer["undecided"],
            sep="\n  ",
            file=sys.stderr,
        )
        if not answer["passed"]:
            print("**The matrix was not proved**: this cluster's times say nothing.\n")
        costs.append(cost)
    wall = statistics.median(cost.wall for cost in costs)
    cpu = statistics.median(cost.cpu for cost in costs)
    kubectl = [str(tool("kubectl")), f"--kubeconfig={kubeconfig}"]
    packets, rows = one_by_one(kubectl, client, given, size)
    pods = len(places.places(given["environments"], []))
    print(f"\n**{packets} packets between {pods} pods** (load {os.getloadavg()[0]:.0f})\n")
    print("| | wall s | CPU s of the client | wall ratio |\n|---|---:|---:|---:|")
    for title, seconds, spent in [("rampart.k8s.network_verify, the module", wall, cpu), *rows]:
        print(f"| {title} | {seconds:.1f} | {spent:.1f} | {seconds / wall:.1f} |")
    worst = max(cost.wall for cost in costs)
    print(
        f"\nWorst of {runs}: {worst:.1f} s. The goal of {GOAL:.0f} s is {'met' if wall < GOAL else 'missed'}."
    )


def main() -> None:
    """Measure on the cluster that is named, or on one of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sample", type=int, default=12)
    parser.add_argument("--kubeconfig", default="")
    parser.add_argument("--image", default=f"127.0.0.1:{5000 + 100 * start_up.INDEX}/rampart/probe:1")
    options = parser.parse_args()
    if options.kubeconfig:
        measured(options.kubeconfig, options.image, options.runs, options.sample)
        return
    with tempfile.TemporaryDirectory(prefix="rn-", dir="/var/tmp") as state:
        try:
            run(start_up.command("cluster", state, "cilium"))
            kubeconfig = str(Path(state) / start_up.NAME / "admin.kubeconfig")
            measured(kubeconfig, options.image, options.runs, options.sample)
        finally:
            run(start_up.command("cluster_reset", state, "cilium"))


if __name__ == "__main__":
    main()
