# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B5: minikube_load and what people use today, into the same containerd: time, CPU and bytes.

``python -m tests.benchmarks.b5_load [--runs 3]``

``docker save | ctr import`` begins with an image of a Docker daemon, the others with the same image as a
layout. CPU is that of the commands and of every daemon that takes part. ``minikube image load`` needs a
minikube and has a program of its own: ``tests.benchmarks.b5_minikube``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import open_image
from ansible_collections.rampart.k8s.plugins.module_utils._oci.repack import repack

from tests.benchmarks.measure import run
from tests.support import dockers
from tests.support.containerds import CTR, RealContainerd, containerd
from tests.support.layouts import layout
from tests.support.programs import tool
from tests.support.registries import real_registry

NAME = "bench.local/team/app"
BASE = "kubelet"
APP_BYTES = 2_000_000

# What happens one after the other: which image, under which tag.
STEPS = {
    "cold": ("first", "1"),
    "unchanged": ("first", "1"),
    "small layer changed": ("second", "2"),
    "new name": ("first", "3"),
}

MODULE = """\
import json, sys
from tests.support.modules import call
answer = call("minikube_load", json.load(open(sys.argv[1])))
if answer.get("failed"):
    sys.exit(answer["msg"])
open(sys.argv[2], "w").write(str(answer["bytes"]))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one step took."""

    wall: float
    cpu: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to get an image into a node."""

    name: str
    # What is there before the clock starts.
    prepare: Callable[[Path, str], None]
    command: Callable[[Path, str], Sequence[str]]
    # How many bytes went somewhere, since it was asked last.
    sent: Callable[[], int]
    daemons: tuple[str, ...]

    def load(self, image: Path, tag: str) -> Cost:
        """Run one step."""
        self.prepare(image, tag)
        before = daemon_cpu(self.daemons)
        cost = run(self.command(image, tag))
        return Cost(cost.wall, cost.cpu + daemon_cpu(self.daemons) - before, self.sent())


def daemon_cpu(programs: Sequence[str]) -> float:
    """Return the CPU seconds so far of this benchmark's own daemons."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _bracket, rest = path.read_text().partition("(")[2].rpartition(")")
            if name in programs and os.getpid() in ancestors(int(path.parent.name)):
                ticks += sum(map(int, rest.split()[11:15]))
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        yield pid
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def module(node: RealContainerd, work: Path) -> Contender:
    """minikube_load, in a process of its own as Ansible runs it."""
    arguments, script, sent = (work / name for name in ("arguments.json", "module.py", "sent"))
    script.write_text(MODULE)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))

    def prepare(image: Path, tag: str) -> None:
        given = {"sockets": [str(node.socket)], "ctr": str(CTR)}
        given["images"] = [{"layout": str(image), "name": f"{NAME}:{tag}"}]  # type: ignore[list-item]
        arguments.write_text(json.dumps(given))

    command = [sys.executable, str(script), str(arguments), str(sent)]
    return Contender(
        "`minikube_load`",
        prepare,
        lambda _image, _tag: command,
        lambda: int(sent.read_text()),
        ("containerd",),
    )


def save_and_import(node: RealContainerd, daemon: dockers.RealDocker, work: Path) -> Contender:
    """docker save, piped into ctr import."""
    count = work / "sent"

    def prepare(image: Path, tag: str) -> None:
        packed = open_image(FolderMembers(image))
        archive = work / "image.tar"
        archive.unlink(missing_ok=True)
        repack(packed, archive)
        daemon.run("load", f"--input={archive}")
        daemon.run("tag", packed.id, f"{NAME}:{tag}")
        count.unlink(missing_ok=True)

    def command(_image: Path, tag: str) -> Sequence[str]:
        script = (
            f"docker --host {daemon.host} save {NAME}:{tag} | tee >(wc -c > {count}) "
            f"| {CTR} --address {node.socket} --namespace k8s.io images import -"
        )
        return ["bash", "-o", "pipefail", "-c", script]

    def sent() -> int:
        deadline = time.monotonic() + 5
        # The counter beside the pipe may end a moment later.
        while not (count.exists() and count.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return int(count.read_text())

    return Contender("`docker save \\| ctr import`", prepare, command, sent, ("containerd", "dockerd"))


def push_and_pull(node: RealContainerd, address: str, data: Path) -> Contender:
    """crane push to a registry, ctr pull from it."""
    store = node.folder / "root/io.containerd.content.v1.content/blobs/sha256"
    seen = {"registry": 0, "node": 0}

    def command(image: Path, tag: str) -> Sequence[str]:
        name = f"{address}/team/app:{tag}"
        pull = f"{CTR} --address {node.socket} --namespace k8s.io images pull --plain-http {name}"
        return ["sh", "-c", f"{tool('crane')} push {image} {name} && {pull}"]

    def sent() -> int:
        now = {
            "registry": sum(path.stat().st_size for path in data.rglob("data")),
            "node": sum(path.stat().st_size for path in store.iterdir()),
        }
        moved = sum(now[place] - seen[place] for place in now)
        seen.update(now)
        return moved

    return Contender(
        "registry: `crane push`, `ctr pull`",
        lambda _image, _tag: None,
        command,
        sent,
        ("containerd", "registry"),
    )


def once(images: dict[str, Path], work: Path) -> dict[str, dict[str, Cost]]:
    """Take every contender through all steps, each with a node of its own."""
    found: dict[str, dict[str, Cost]] = {}
    for number in range(3):
        folder = work / str(number)
        folder.mkdir(parents=True)
        with ExitStack() as stack:
            node = stack.enter_context(containerd(folder / "node"))
            if number == 0:
                contender = module(node, folder)
            elif number == 1:
                daemon = stack.enter_context(dockers.docker(folder / "docker"))
                contender = save_and_import(node, daemon, folder)
            else:
                url = stack.enter_context(real_registry(folder))
                contender = push_and_pull(node, url.removeprefix("http://"), folder / "data")
            found[contender.name] = {
                step: contender.load(images[image], tag) for step, (image, tag) in STEPS.items()
            }
    return found


def table(runs: Sequence[dict[str, dict[str, Cost]]]) -> list[str]:
    """Return the medians as Markdown."""
    lines = ["| | step | wall s | CPU s | bytes sent |", "|---|---|---:|---:|---:|"]
    for name, steps in runs[0].items():
        for step in steps:
            costs = [each[name][step] for each in runs]
            wall, cpu = (statistics.median(getattr(cost, key) for cost in costs) for key in ("wall", "cpu"))
            sent = round(statistics.median(cost.bytes for cost in costs))
            lines.append(f"| {name} | {step} | {wall:.2f} | {cpu:.2f} | {sent:,} |")
    return lines


def images(work: Path) -> dict[str, Path]:
    """Make two images of a large layer that stays and a small one that changes."""
    base = {"bin/base": tool(BASE).read_bytes()}
    made = {name: work / name for name in ("first", "second")}
    for name, folder in made.items():
        layout(folder, [base, {"app": name.encode() + os.urandom(APP_BYTES)}])
    return made


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        made = images(Path(name))
        runs = [once(made, Path(name) / f"run-{number}") for number in range(count)]
    print("\n".join(table(runs)))


if __name__ == "__main__":
    main()
