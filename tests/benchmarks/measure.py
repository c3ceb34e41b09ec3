# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every benchmark needs: a process measured, a play written, a table printed."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig import Rig

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took."""

    wall: float
    cpu: float
    requests: int = 0
    writes: int = 0


def median(costs: Sequence[Cost], scale: float = 1.0) -> Cost:
    """Return the median of each figure, times a scale for runs on a part of the work."""
    return Cost(
        statistics.median(cost.wall for cost in costs) * scale,
        statistics.median(cost.cpu for cost in costs) * scale,
        round(statistics.median(cost.requests for cost in costs) * scale),
        round(statistics.median(cost.writes for cost in costs) * scale),
    )


def run(command: Sequence[str], rig: Rig | None = None) -> Cost:
    """Run a command to its end and measure it with all its children; a failure ends the benchmark."""
    mark, stored = (rig.mark(), rig.stored()) if rig else (0, {})
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
    started = time.monotonic()
    child = subprocess.Popen(
        # Away from the project's ansible.cfg: what its callbacks cost is not to be measured.
        command,
        cwd="/",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = child.stdout.read() if child.stdout else ""
    _unused, code, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(code)
    wall = time.monotonic() - started
    if child.returncode:
        raise SystemExit(f"{command} failed: {output[-3000:]}")
    after = rig.stored() if rig else {}
    writes = sum(1 for key in stored.keys() | after.keys() if stored.get(key) != after.get(key))
    return Cost(wall, usage.ru_utime + usage.ru_stime, len(rig.audit(mark)) if rig else 0, writes)


def play(folder: Path, name: str, tasks: list[dict[str, Any]], **variables: Any) -> list[str]:
    """Write a play for this machine and return the command that runs it."""
    body = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable, **variables},
        "tasks": tasks,
    }
    path = folder / f"{name}.yml"
    path.write_text(json.dumps([body]))
    program = shutil.which("ansible-playbook", path=str(Path(sys.executable).parent)) or "ansible-playbook"
    return [program, "-i", "localhost,", str(path)]


def table(title: str, rows: Sequence[tuple[str, Cost]], reference: str) -> None:
    """Print a Markdown table; the ratio tells how often the reference's time each of them takes."""
    base = dict(rows)[reference]
    print(f"\n**{title}**\n")
    print("| | wall s | CPU s | requests | etcd writes | wall ratio | CPU ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, cost in rows:
        print(
            f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.requests} | {cost.writes} "
            f"| {cost.wall / base.wall:.1f} | {cost.cpu / base.cpu:.1f} |",
            flush=True,
        )
