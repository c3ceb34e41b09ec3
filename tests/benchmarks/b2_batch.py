# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B2: what one more object costs, as one more task and as one more item of a list.

``python -m tests.benchmarks.b2_batch [--runs 3] [--many 100] [--loop 20]``

The difference between a run with many and a run with one, divided by the objects between them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import median, play, run
from tests.rig import Rig


def config_maps(prefix: str, count: int) -> list[dict[str, Any]]:
    """Return tiny objects."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{prefix}-{number}", "namespace": "default"},
            "data": {"x": "1"},
        }
        for number in range(count)
    ]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--many", type=int, default=100)
    parser.add_argument("--loop", type=int, default=20)
    arguments = parser.parse_args()
    core = "kubernetes.core.k8s"
    ours = "rampart.k8s.manifest_apply"
    with Rig() as rig, tempfile.TemporaryDirectory() as folder:
        connection = {"kubeconfig": str(rig.kubeconfig)}
        loop = {"loop": "{{ objects }}"}
        contenders: list[tuple[str, int, dict[str, Any]]] = [
            ("debug, loop", arguments.loop, {"ansible.builtin.debug": {"msg": "{{ item.kind }}"}, **loop}),
            ("ping, loop", arguments.loop, {"ansible.builtin.ping": {}, **loop}),
            (f"{core}, loop", arguments.loop, {core: {**connection, "definition": "{{ item }}"}, **loop}),
            (f"{core}, batch", arguments.many, {core: {**connection, "definition": "{{ objects }}"}}),
            (f"{ours}, loop", arguments.loop, {ours: {**connection, "definitions": ["{{ item }}"]}, **loop}),
            (f"{ours}, batch", arguments.many, {ours: {**connection, "definitions": "{{ objects }}"}}),
        ]
        rows = []
        for name, count, task in contenders:
            costs = {}
            for size in (1, count):
                objects = config_maps("".join(filter(str.isalnum, name)).lower(), size)
                command = play(Path(folder), "play", [task], objects=objects)
                run(command)
                costs[size] = median([run(command) for _unused in range(arguments.runs)])
            more = count - 1
            rows.append(
                (
                    name,
                    count,
                    (costs[count].cpu - costs[1].cpu) / more,
                    (costs[count].wall - costs[1].wall) / more,
                )
            )
    base = rows[-1][2]
    print("| | objects | CPU ms per further object | wall ms | CPU ratio |\n|---|---:|---:|---:|---:|")
    for name, count, cpu, wall in rows:
        print(f"| {name} | {count} | {cpu * 1000:.1f} | {wall * 1000:.1f} | {cpu / base:.0f} |")


if __name__ == "__main__":
    main()
