# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What admission policies add to the creation of an object, and what the policy engine costs its node.

``python -m tests.benchmarks.admission_latency [--creates 1000] [--pods 10]``

A cluster is made for it. Deployments are really created, none as a dry run, one after the other over one
connection: a block of them in prod, then a block in a namespace that no policy is about, and so on, so that
both see the same machine. They are paused, so that no controller works on them meanwhile. First there are no
policies, then the API server judges by its own ValidatingAdmissionPolicies, then Kyverno by the same set.
Needs root and the tools, and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import hearing, samples
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import environment_of
from ansible_collections.rampart.k8s.plugins.module_utils._cluster import observe
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects

from tests.benchmarks.detection_latency import Use, percent, use
from tests.support import admission, embedded
from tests.support.own_cluster import OwnCluster, own_cluster
from tests.support.until import until

NAME, INDEX = "admission", 47
GUARDED, UNGUARDED = "prod", "unguarded"
BLOCK = 50
REST = 30.0
PROGRAMS = ("/kyverno", "/background-controller", "/cleanup-controller", "/reports-controller")
RULES = {
    "kubernetes": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "kyverno": "/apis/policies.kyverno.io/v1/validatingpolicies",
}


@dataclass(slots=True)
class Side:
    """What the creations in one namespace took."""

    milliseconds: list[float] = field(default_factory=list)
    server: float = 0.0
    engine: float = 0.0

    def cuts(self) -> tuple[float, float, float]:
        found = statistics.quantiles(self.milliseconds, n=100, method="inclusive")
        return found[49], found[98], max(self.milliseconds)


class Watched:
    """The API server and the policy engine as processes of this machine."""

    def __init__(self, cluster: OwnCluster) -> None:
        self._names = embedded.names(cluster.state, cluster.name, cluster.index)

    def server(self) -> Path:
        family = observe.family(self._names)
        return Path("/proc") / str(
            next(one.pid for one in family.programs if one.program == "kube-apiserver")
        )

    def engine(self) -> dict[str, Path]:
        """Return the engine's programs that run, by their name."""
        found = {}
        for pid in observe.family(self._names).containers:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
            if command in PROGRAMS:
                found[command.removeprefix("/")] = Path(f"/proc/{pid}")
        return found


def deployment(space: str) -> dict[str, Any]:
    """Return an object that every policy accepts, in a namespace."""
    entry = next(one for one in admission.environments() if one["name"] == GUARDED)
    made = samples.deployment(environment_of(entry))
    made["metadata"]["namespace"] = space
    made["spec"]["paused"] = True
    return made


def enforced(client: Client, wanted: bool) -> None:
    """Wait until what no policy accepts is refused, or see that it is accepted."""
    bad = deployment(GUARDED)
    bad["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = False
    path = samples.PATHS["Deployment"].format(GUARDED)
    until(
        lambda: hearing.attempt(client, path, bad).accepted is not wanted,
        f"policies that are {'' if wanted else 'not '}in force",
    )


def created(client: Client, space: str, first: int, count: int) -> list[float]:
    """Create objects one after the other; return the milliseconds of each."""
    path = samples.PATHS["Deployment"].format(space)
    body, took = deployment(space), []
    for number in range(first, first + count):
        body["metadata"]["name"] = f"measured-{number}"
        begun = time.perf_counter()
        client.call("POST", path, body=body)
        took.append((time.perf_counter() - begun) * 1000)
    return took


def cleared(client: Client) -> None:
    for space in (GUARDED, UNGUARDED):
        client.call("DELETE", samples.PATHS["Deployment"].format(space))


def measured(client: Client, watched: Watched, creates: int) -> dict[str, Side]:
    """Create in blocks, now here and now there."""
    server, engine = watched.server(), watched.engine().values()
    sides = {space: Side() for space in (GUARDED, UNGUARDED)}
    # What is asked the first time is compiled or connected then.
    for space in sides:
        created(client, space, creates, BLOCK)
    for first in range(0, creates, BLOCK):
        for space, side in sides.items():
            before = use(server).seconds, sum(use(each).seconds for each in engine)
            side.milliseconds += created(client, space, first, min(BLOCK, creates - first))
            side.server += use(server).seconds - before[0]
            side.engine += sum(use(each).seconds for each in engine) - before[1]
    cleared(client)
    return sides


def told(title: str, sides: dict[str, Side]) -> None:
    """Print the rows of one stage; ratios are to the namespace without policies."""
    base = sides[UNGUARDED]
    for space, side in sides.items():
        p50, p99, worst = side.cuts()
        each = 1000 / len(side.milliseconds)
        print(
            f"| {title}, {space} | {p50:.1f} | {p99:.1f} | {worst:.0f} | {p50 / base.cuts()[0]:.2f} "
            f"| {p99 / base.cuts()[1]:.2f} | {side.server * each:.1f} | {side.engine * each:.1f} |",
            flush=True,
        )


def protected(client: Client, image: str, count: int) -> None:
    """Start pods that the policies are about."""
    path = f"/api/v1/namespaces/{GUARDED}/pods"
    for number in range(count):
        container = objects.restricted_container(image, ["sleep", "3600"])
        spec = objects.restricted_spec(container, activeDeadlineSeconds=3600)
        spec["automountServiceAccountToken"] = False
        client.call("POST", path, body=objects.pod(f"protected-{number}", GUARDED, spec))
    until(lambda: len(running(client)) == count, "the pods run")


def running(client: Client) -> list[dict[str, Any]]:
    pods = client.list_all(f"/api/v1/namespaces/{GUARDED}/pods")[0]
    return [pod for pod in pods if pod["status"].get("phase") == "Running"]


def at_rest(programs: dict[str, Path], pods: int) -> None:
    """Print what the engine uses while nothing is asked of it."""
    before = {name: use(process) for name, process in programs.items()}
    time.sleep(REST)
    after = {name: use(process) for name, process in programs.items()}
    print(f"\n| at rest over {REST:g} s, {pods} protected pods | % of a core | MB |\n|---|---:|---:|")
    for name in sorted(after):
        row(name, [(before[name], after[name])], 1)
    every = [(before[name], after[name]) for name in after]
    row("all of it", every, 1)
    row("for each protected pod", every, pods)


def row(title: str, uses: Sequence[tuple[Use, Use]], share: int) -> None:
    core = sum(percent(*each) for each in uses) / share
    print(f"| {title} | {core:.2f} | {sum(after.megabytes for _before, after in uses) / share:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--creates", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=10)
    given = parser.parse_args()
    with own_cluster(NAME, INDEX) as cluster:
        client, watched = cluster.client(api_timeout=7200), Watched(cluster)
        cluster.play("environments", "--tags=namespaces")
        client.call("POST", "/api/v1/namespaces", body={"metadata": {"name": UNGUARDED}})
        protected(client, cluster.image, given.pods)
        print(f"{given.creates} creations each, load {os.getloadavg()[0]:.0f}\n")
        print("| | p50 ms | p99 ms | worst ms | p50 ratio | p99 ratio | API server CPU ms | Kyverno CPU ms |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        enforced(client, wanted=False)
        told("no policies", measured(client, watched, given.creates))
        for engine, title in (("kubernetes", "ValidatingAdmissionPolicies"), ("kyverno", "Kyverno")):
            cluster.play("policies", kyverno_engine=engine)
            enforced(client, wanted=True)
            count = sum(
                item["metadata"]["name"].startswith(f"rampart-{GUARDED}-")
                for item in client.list_all(RULES[engine])[0]
            )
            told(f"{title} ({count})", measured(client, watched, given.creates))
            if engine == "kubernetes":
                # What refuses already would keep the others from being heard on trial.
                cluster.play("policies_remove", kyverno_uninstall_confirm=True)
        at_rest(watched.engine(), given.pods)
        print(f"\nload {os.getloadavg()[0]:.0f}")


if __name__ == "__main__":
    main()
