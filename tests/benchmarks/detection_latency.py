# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long an alert takes from its event to a web hook, and what the watch costs its node.

``python -m tests.benchmarks.detection_latency --kubeconfig FILE --image IMAGE --listen HOST:PORT``

The engine of the role falco has to run on a node of this machine and to send its alerts to the address, as in
the scenario falco. A shell is run in a pod again and again; each has to be heard before the next.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.shell import Shell
from ansible_collections.rampart.k8s.plugins.module_utils._verify import detection, detectors, objects
from ansible_collections.rampart.k8s.plugins.module_utils._verify.alert_sink import Heard, WebHook
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.detection import Stand

ENGINE = b"/opt/falco-engine/engine\0run\0"
GOAL = 5.0


@dataclass(frozen=True, slots=True)
class Use:
    """What a process had used at a time."""

    at: float
    seconds: float
    megabytes: float


def engine() -> Path:
    """Find the one engine that runs on this machine."""
    found = [file.parent for file in Path("/proc").glob("[0-9]*/cmdline") if read(file).startswith(ENGINE)]
    if len(found) != 1:
        raise SystemExit(f"{len(found)} engines run on this machine, and one is needed")
    return found[0]


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def use(process: Path) -> Use:
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    pages = int((process / "statm").read_text().split()[1])
    ticks = int(fields[11]) + int(fields[12])
    return Use(
        time.monotonic(),
        ticks / os.sysconf("SC_CLK_TCK"),
        pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
    )


def told(what: str, milliseconds: Sequence[float]) -> None:
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    print(f"{what}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, worst {max(milliseconds):.1f} ms")


def percent(before: Use, after: Use) -> float:
    return 100 * (after.seconds - before.seconds) / (after.at - before.at)


def triggered(
    client: Client, sink: WebHook, stand: Stand, rule: str, count: int
) -> tuple[list[float], list[float]]:
    """Run a shell as often as asked; return milliseconds from the events and from the commands."""
    from_event, from_command = [], []
    for _turn in range(count):
        begun = time.time_ns()

        def wanted(one: Heard, begun: int = begun) -> bool:
            return one.at >= begun and one.alert.get("rule") == rule and stand.about(one.alert)

        Shell(client).run(stand.namespace, stand.pod, "probe", ["sh", "-c", "true"])
        heard = sink.wait(wanted, GOAL)
        if heard is None:
            raise SystemExit(f"no alert of the rule {rule!r} arrived within {GOAL:g} s")
        from_event.append((heard.at - detection.event_time(heard.alert, begun)) / 1e6)
        from_command.append((heard.at - begun) / 1e6)
        # Slower than the limit of alerts that a rule may give.
        time.sleep(0.2)
    return from_event, from_command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--rule", default="Shell in a container")
    parser.add_argument("--triggers", type=int, default=50)
    given = parser.parse_args()
    client = Client(Connection(kubeconfig=given.kubeconfig), Redactor())
    process = engine()
    idle = use(process)
    time.sleep(10)
    rested = use(process)
    with Bench(client, [objects.NAMESPACE]) as bench:
        node = detectors.nodes(client)[0]
        stand = Stand(node, objects.NAMESPACE, f"{detection.PREFIX}{bench.run}")
        bench.create([detection.pod(stand, given.image)])
        _running, waiting = bench.wait("/api/v1/pods", [f"{stand.namespace}/{stand.pod}"], objects.runs, 60.0)
        if waiting:
            raise SystemExit(f"the probe does not run: {waiting}")
        with WebHook(*detection.address(given.listen)) as sink:
            before = use(process)
            from_event, from_command = triggered(client, sink, stand, given.rule, given.triggers)
            after = use(process)
    told(f"event to web hook, {given.triggers} alerts", from_event)
    told("kubectl exec to web hook", from_command)
    print(
        f"engine: {percent(idle, rested):.1f} % of a core at rest, {percent(before, after):.1f} % meanwhile"
    )
    print(f"engine: {after.megabytes:.0f} MB of memory")


if __name__ == "__main__":
    main()
