# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B1: apply 200 objects (20 namespaces, ten objects each): cold, nothing to do, one changed.

``python -m tests.benchmarks.b1_apply [--runs 5] [--loop-environments 2] [--only NAME]``

The loop over kubernetes.core.k8s takes minutes; it is measured on fewer environments and scaled,
which its row says; with 0 environments it is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import ROOT, Cost, median, play, run, table
from tests.benchmarks.objects import environments
from tests.rig import Rig
from tests.support.programs import tool

ENVIRONMENTS = 20
OURS = "rampart.k8s.manifest_apply"
ALONE = "the same module without Ansible's start"
SSA = {"apply": True, "server_side_apply": {"field_manager": "core"}}


class Contender:
    """One way of applying, with its own copy of the objects."""

    def __init__(self, rig: Rig, folder: Path, name: str, count: int = ENVIRONMENTS) -> None:
        self.rig, self.folder, self.name, self.count = rig, folder, name, count
        self.scale = ENVIRONMENTS / count
        self.title = name if count == ENVIRONMENTS else f"{name} ({count * 10} objects, scaled)"
        self.objects = environments("b1-" + "".join(filter(str.isalnum, name)).lower(), count)

    def change_one(self, number: int) -> None:
        """Change one value, to another one each time."""
        changed = next(found for found in self.objects if found["kind"] == "ConfigMap")
        changed["data"]["level"] = f"level-{number}"

    def command(self, phase: str) -> list[str]:
        """Write the input and return what to run."""
        path = self.folder / "objects.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": self.objects}))
        kubeconfig = str(self.rig.kubeconfig)
        kubectl = [str(tool("kubectl")), f"--kubeconfig={kubeconfig}", "apply", "-f", str(path)]
        module: dict[str, Any]
        if self.name == "kubectl apply":
            return kubectl
        if self.name == "kubectl apply --server-side":
            return [*kubectl, "--server-side"]
        if self.name == ALONE:
            return [sys.executable, "-m", "tests.benchmarks.module_alone", kubeconfig, str(path)]
        if self.name.startswith("floor"):
            verb = "get" if phase == "no-op" else "apply"
            return [sys.executable, "-m", "tests.benchmarks.floor", kubeconfig, str(path), verb]
        if self.name == "kubernetes.core.k8s, batch":
            module = {"kubernetes.core.k8s": {"kubeconfig": kubeconfig, "definition": "{{ objects }}", **SSA}}
        elif self.name == "kubernetes.core.k8s, loop":
            module = {
                "kubernetes.core.k8s": {"kubeconfig": kubeconfig, "definition": "{{ item }}", **SSA},
                "loop": "{{ objects }}",
            }
        elif self.name == OURS:
            module = {self.name: {"kubeconfig": kubeconfig, "definitions": "{{ objects }}"}}
        else:
            module = {"ansible.builtin.debug": {"msg": "nothing"}}
        return play(self.folder, "play", [module], objects=self.objects)

    def measure(self, runs: int) -> dict[str, Cost]:
        """Apply cold, then several times without and with a change."""
        found = {"cold": median([run(self.command("cold"), self.rig)], self.scale)}
        run(self.command("no-op"), self.rig)
        found["no-op"] = median([run(self.command("no-op"), self.rig) for _unused in range(runs)], self.scale)
        costs = []
        for number in range(runs):
            self.change_one(number)
            costs.append(run(self.command("changed"), self.rig))
        found["one changed"] = median(costs, self.scale)
        return found


def main() -> None:
    """Measure all contenders and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--loop-environments", type=int, default=2)
    parser.add_argument("--only", default="", help="measure contenders with this in their name, beside ours")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    names = [
        (OURS, ENVIRONMENTS),
        (ALONE, ENVIRONMENTS),
        ("kubernetes.core.k8s, batch", ENVIRONMENTS),
        ("kubernetes.core.k8s, loop", arguments.loop_environments),
        ("kubectl apply", ENVIRONMENTS),
        ("kubectl apply --server-side", ENVIRONMENTS),
        ("floor: bare requests, one by one", ENVIRONMENTS),
        ("an empty play (Ansible's start)", ENVIRONMENTS),
    ]
    with Rig(durable=True) as rig, tempfile.TemporaryDirectory() as folder:
        found = []
        for name, count in names:
            if count and (arguments.only in name or name == OURS):
                contender = Contender(rig, Path(folder), name, count)
                found.append((contender.title, contender.measure(arguments.runs)))
                print(f"{contender.title}: {found[-1][1]}", file=sys.stderr, flush=True)
    for phase in ("cold", "no-op", "one changed"):
        rows = [(title, costs[phase]) for title, costs in found]
        table(f"200 objects, {phase}", rows, OURS)


if __name__ == "__main__":
    main()
