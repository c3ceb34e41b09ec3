# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B9: how long after an object became ready a wait for it ends.

``python -m tests.benchmarks.b9_wait [--runs 5]``

A pod's status is set to ready at a moment drawn by chance. The overshoot is the time from the
server's answer to this, to the end of the waiting process (for a play, what Ansible needs to end
is in it), and for ours once more inside the module.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.benchmarks.measure import play, run
from tests.rig import Rig
from tests.rig.modules import run_module
from tests.support.programs import tool

# By then every contender has surely begun to wait.
EARLIEST = 12.0

PODS = "/api/v1/namespaces/default/pods"
READY = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}


def overshoot(client: Client, name: str, wait: Callable[[str], Any], longest: float) -> float:
    """Make a pod, wait for it in one way, and let it become ready meanwhile."""
    spec = {"containers": [{"name": "c", "image": "registry.local/c:1"}]}
    client.call("POST", PODS, body={"metadata": {"name": name}, "spec": spec})
    moment: list[float] = []

    def turn() -> None:
        client.call("PATCH", f"{PODS}/{name}/status", body=READY, content_type=MERGE)
        moment.append(time.monotonic())

    timer = threading.Timer(random.uniform(EARLIEST, EARLIEST + longest), turn)  # noqa: S311
    timer.start()
    wait(name)
    ended = time.monotonic()
    timer.join()
    return ended - moment[0]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with Rig() as rig, tempfile.TemporaryDirectory() as scratch:
        folder, kubeconfig = Path(scratch), str(rig.kubeconfig)
        client = Client(Connection(kubeconfig, api_timeout=3600), Redactor())

        def ours(name: str) -> dict[str, Any]:
            resource = {"api_version": "v1", "kind": "Pod", "namespace": "default", "name": name}
            return {"kubeconfig": kubeconfig, "resources": [resource]}

        def core(name: str) -> dict[str, Any]:
            return {
                "kubeconfig": kubeconfig,
                "api_version": "v1",
                "kind": "Pod",
                "namespace": "default",
                "name": name,
                "wait": True,
                "wait_condition": {"type": "Ready", "status": "True"},
            }

        def as_play(module: str, options: Callable[[str], dict[str, Any]]) -> Callable[[str], Any]:
            return lambda name: run(play(folder, "play", [{module: options(name)}]))

        kubectl = [str(tool("kubectl")), f"--kubeconfig={kubeconfig}", "wait", "--for=condition=Ready"]
        contenders: list[tuple[str, Callable[[str], Any]]] = [
            (
                "rampart.k8s.resource_ready, in the module",
                lambda name: run_module("resource_ready", ours(name)),
            ),
            ("rampart.k8s.resource_ready, whole play", as_play("rampart.k8s.resource_ready", ours)),
            ("kubernetes.core.k8s_info with wait, whole play", as_play("kubernetes.core.k8s_info", core)),
            ("kubectl wait", lambda name: run([*kubectl, f"pod/{name}"])),
        ]
        rows = []
        for number, (title, wait) in enumerate(contenders):
            found = [overshoot(client, f"p-{number}-{turn}", wait, 5.0) for turn in range(arguments.runs)]
            rows.append((title, statistics.median(found), max(found)))
    base = rows[1][1]
    print("| | overshoot s, median | worst | ratio |\n|---|---:|---:|---:|")
    for title, middle, worst in rows:
        print(f"| {title} | {middle:.3f} | {worst:.3f} | {middle / base:.1f} |")


if __name__ == "__main__":
    main()
