# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B6: ten images that share a base, on three nodes that have them already: what nothing to do costs.

``python -m tests.benchmarks.b6_unchanged [--runs 3] [--images 10] [--nodes 3]``

Each contender has nodes of its own, real containerds, which got the images before the clock starts. Then
all of them are brought again unchanged, and once more under new names. CPU is that of the commands and of
the daemons; bytes are those of layers and documents that were sent to nodes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import open_image
from ansible_collections.rampart.k8s.plugins.module_utils._oci.repack import repack

from tests.benchmarks.b5_load import MODULE, Cost, daemon_cpu
from tests.benchmarks.measure import run
from tests.support.containerds import CTR, RealContainerd, containerd
from tests.support.layouts import layout
from tests.support.programs import tool
from tests.support.registries import real_registry

BASE = "kubelet"
APP_BYTES = 200_000
STEPS = {"unchanged": "1", "new names": "2"}


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to get images into nodes: what is there before the clock starts, and what is measured."""

    name: str
    prepare: Callable[[str], object]
    command: Callable[[str], Sequence[str]]
    sent: Callable[[], int]
    daemons: tuple[str, ...] = ("containerd",)

    def bring(self, tag: str) -> Cost:
        self.prepare(tag)
        before = daemon_cpu(self.daemons)
        cost = run(self.command(tag))
        return Cost(cost.wall, cost.cpu + daemon_cpu(self.daemons) - before, self.sent())


def image_name(image: Path, tag: str, place: str = "bench.local") -> str:
    return f"{place}/team/{image.name}:{tag}"


def module(nodes: Sequence[RealContainerd], images: Sequence[Path], work: Path) -> Contender:
    """One task of minikube_load for all images and nodes."""
    arguments, script, sent = (work / name for name in ("arguments.json", "module.py", "sent"))
    script.write_text(MODULE)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))

    def prepare(tag: str) -> None:
        listed = [{"layout": str(image), "name": image_name(image, tag)} for image in images]
        sockets = [str(node.socket) for node in nodes]
        arguments.write_text(json.dumps({"sockets": sockets, "ctr": str(CTR), "images": listed}))

    command = [sys.executable, str(script), str(arguments), str(sent)]
    return Contender("`minikube_load`", prepare, lambda _tag: command, lambda: int(sent.read_text()))


def archives(nodes: Sequence[RealContainerd], images: Sequence[Path], work: Path) -> Contender:
    """``ctr import`` of an archive of each image, as ``docker save`` writes it, on each node."""
    made = {image: work / f"{image.name}.tar" for image in images}
    for image, archive in made.items():
        repack(open_image(FolderMembers(image)), archive)

    def command(tag: str) -> Sequence[str]:
        lines = [
            f"{CTR} --address {node.socket} --namespace k8s.io images import "
            f"--index-name {image_name(image, tag)} {archive}"
            for node in nodes
            for image, archive in made.items()
        ]
        return ["sh", "-ec", "\n".join(lines)]

    total = len(nodes) * sum(archive.stat().st_size for archive in made.values())
    return Contender("`docker save`, `ctr import`", lambda _tag: None, command, lambda: total)


def registry(nodes: Sequence[RealContainerd], images: Sequence[Path], work: Path, address: str) -> Contender:
    """``crane push`` to a registry that has the layers, and ``ctr pull`` on each node."""
    log = work / "log"

    def size() -> int:
        return sum(
            path.stat().st_size
            for node in nodes
            for path in (node.folder / "root/io.containerd.content.v1.content/blobs").glob("sha256/*")
        )

    before = [0]

    def command(tag: str) -> Sequence[str]:
        before[0] = size()
        lines = [f"{tool('crane')} push {image} {image_name(image, tag, address)}" for image in images]
        lines += [
            f"{CTR} --address {node.socket} --namespace k8s.io images pull --plain-http "
            f"{image_name(image, tag, address)} > {log}"
            for node in nodes
            for image in images
        ]
        return ["sh", "-ec", "\n".join(lines)]

    daemons = ("containerd", "registry")
    return Contender(
        "registry: `crane push`, `ctr pull`", lambda _tag: None, command, lambda: size() - before[0], daemons
    )


def once(number: int, images: Sequence[Path], nodes: int, work: Path) -> tuple[str, dict[str, Cost]]:
    """Take one contender through all steps."""
    work.mkdir(parents=True)
    with ExitStack() as stack:
        running = [stack.enter_context(containerd(work / f"node-{place}")) for place in range(nodes)]
        if number == 0:
            contender = module(running, images, work)
        elif number == 1:
            contender = archives(running, images, work)
        else:
            url = stack.enter_context(real_registry(work))
            contender = registry(running, images, work, url.removeprefix("http://"))
        contender.bring(STEPS["unchanged"])
        return contender.name, {step: contender.bring(tag) for step, tag in STEPS.items()}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--nodes", type=int, default=3)
    arguments = parser.parse_args()
    print("| | step | wall s | CPU s | bytes sent |\n|---|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        base = {"bin/base": tool(BASE).read_bytes()}
        images = [Path(name) / f"app-{number}" for number in range(arguments.images)]
        for image in images:
            layout(image, [base, {"app": os.urandom(APP_BYTES)}])
        for number in range(3):
            runs = [
                once(number, images, arguments.nodes, Path(name) / f"{number}-{turn}")
                for turn in range(arguments.runs)
            ]
            for step in STEPS:
                costs = [found[step] for _title, found in runs]
                wall = statistics.median(cost.wall for cost in costs)
                cpu = statistics.median(cost.cpu for cost in costs)
                sent = round(statistics.median(cost.bytes for cost in costs))
                print(f"| {runs[0][0]} | {step} | {wall:.2f} | {cpu:.2f} | {sent:,} |", flush=True)


if __name__ == "__main__":
    main()
