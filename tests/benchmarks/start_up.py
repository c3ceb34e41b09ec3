# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long an embedded cluster takes: from cached tools to a Ready node, to a whole cluster, and again.

``python -m tests.benchmarks.start_up [--cni cilium|bridge]``

The node counts as Ready at the moment that its condition names. The timeline of the first start is read
from the components' own logs. Needs root and the tools, and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measure import ROOT, Cost, run

TOOLS = Path.home() / ".cache" / "rampart"
NAME = "start-up"
INDEX = 41


def command(playbook: str, state: str, cni: str) -> list[str]:
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "cluster_state_dir": state,
        "cluster_name": NAME,
        "cluster_index": INDEX,
        "cluster_cni": cni,
        "cluster_stop_seconds": 1,
        "cluster_reset_confirm": True,
    }
    ansible = str(Path(sys.executable).with_name("ansible-playbook"))
    path = ROOT / "playbooks" / f"{playbook}.yml"
    return [ansible, "-i", f"{NAME},", "-e", json.dumps(variables), str(path)]


def ready_at(kubeconfig: Path) -> datetime.datetime:
    """Return when the node became Ready, as the kubelet wrote it down."""
    done = subprocess.run(
        [
            str(TOOLS / "bin" / "kubectl"),
            f"--kubeconfig={kubeconfig}",
            "get",
            "node",
            NAME,
            "--output=jsonpath={.status.conditions[?(@.type=='Ready')].lastTransitionTime}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return datetime.datetime.fromisoformat(done.stdout)


# What the first start waits for, in the words of whom it waits for: the log, and the line's own words.
EVENTS = {
    "etcd serves": ("etcd", "serving client traffic securely"),
    "API server serves": ("kube-apiserver", "Serving securely on"),
    "kubelet started": ("kubelet", "Started kubelet"),
    "Cilium's kinds are known": ("cilium-agent", "All Cilium CRDs have been found"),
    "Cilium's agent has its policies": ("cilium-agent", "All policy resources synchronized"),
    "BPF of the node compiled and attached": ("cilium-agent", "progName=cil_to_netdev"),
    "first pod has its network": ("cilium-agent", "Successful endpoint creation"),
}
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+)|^[IWE](\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d+)", re.M)


def moment(line: str, year: int) -> datetime.datetime:
    """Read the time of a line, as Go's libraries write it, in UTC."""
    found = STAMP.search(line)
    if found is None:
        raise SystemExit(f"this line has no time: {line}")
    text = found[1] or f"{year}-{found[2]}-{found[3]}T{found[4]}"
    return datetime.datetime.fromisoformat(text[:26]).replace(tzinfo=datetime.UTC)


def timeline(logs: Path, started: datetime.datetime) -> None:
    """Print when each step of the first start was done."""
    print("\n| step of the first start | seconds after the command |\n|---|---:|")
    for event, (log, words) in EVENTS.items():
        path = logs / f"{log}.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        line = next((line for line in lines if words in line), None)
        if line is not None:
            print(f"| {event} | {(moment(line, started.year) - started).total_seconds():.1f} |")
    print()


def row(what: str, wall: float, cost: Cost | None) -> None:
    load = os.getloadavg()[0]
    print(f"| {what} | {wall:.1f} s | {f'{cost.cpu:.1f} s' if cost else ''} | {load:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cni", choices=["cilium", "bridge"], default="cilium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rs-", dir="/var/tmp") as state:
        started = datetime.datetime.now(datetime.UTC)
        began = time.monotonic()
        try:
            print(f"| {options.cni} | wall | CPU of the play | load |\n|---|---:|---:|---:|")
            whole = run(command("cluster", state, options.cni))
            took = time.monotonic() - began
            node = ready_at(Path(state) / NAME / "admin.kubeconfig") - started
            row("first start: node Ready", node.total_seconds(), None)
            row("first start: DNS, metrics and all ready", took, whole)
            timeline(Path(state) / NAME / "logs", started)
            again = run(command("cluster", state, options.cni))
            row("second run, nothing changed", again.wall, again)
            stopped = run(command("cluster_stop", state, options.cni))
            row("stop", stopped.wall, stopped)
            restarted = run(command("cluster", state, options.cni))
            row("start again, with data", restarted.wall, restarted)
        finally:
            run(command("cluster_reset", state, options.cni))


if __name__ == "__main__":
    main()
