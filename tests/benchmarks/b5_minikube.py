# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B5 in a real minikube: minikube_load and `minikube image load`, what they take and what they say.

``python -m tests.benchmarks.b5_minikube [--runs 3] [--only stopped]``

It brings a minikube up by the collection's own role, which takes some minutes the first time, and removes it.
The second table is about words and codes: what the node has afterwards is asked of the node itself.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.b5_load import APP_BYTES, BASE, MODULE, STEPS, Cost, table
from tests.benchmarks.minikube_profile import Profile, first_line, profile
from tests.support.layouts import layout
from tests.support.modules import call
from tests.support.programs import tool

NAME = "bench.local/app"


def timed(cluster: Profile, command: Sequence[str], sent: Callable[[], int]) -> Cost:
    """Run a command and count what it, the daemon and the node took."""
    before, usage, started = cluster.cpu(), os.times(), time.monotonic()
    cluster.run(*command)
    wall, after = time.monotonic() - started, os.times()
    own = after.children_user + after.children_system - usage.children_user - usage.children_system
    return Cost(wall, own + cluster.cpu() - before, sent())


def speed(cluster: Profile, work: Path) -> dict[str, dict[str, Cost]]:
    """Take both through all steps."""
    base = {"bin/base": tool(BASE).read_bytes()}
    for name in ("first", "second"):
        layout(work / name, [base, {"app": name.encode() + os.urandom(APP_BYTES)}])
    script, arguments, sent = (work / name for name in ("module.py", "arguments.json", "sent"))
    script.write_text(MODULE)
    cluster.environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    found: dict[str, dict[str, Cost]] = {}
    for contender in (
        "`minikube image load`",
        "`minikube_load`, from the daemon",
        "`minikube_load`, from a layout",
    ):
        steps: dict[str, Cost] = {}
        for step, (image, tag) in STEPS.items():
            name, archive = f"{NAME}:{tag}", work / "image.tar"
            cluster.build(work / image, name, archive)
            if "image load" in contender:
                size = archive.stat().st_size
                command = cluster.minikube("image", "load", name)
                steps[step] = timed(cluster, command, lambda size=size: size)  # type: ignore[misc]
                continue
            source = (
                {"docker": name} if "daemon" in contender else {"layout": str(work / image), "name": name}
            )
            arguments.write_text(json.dumps(cluster.arguments(source)))
            command = [sys.executable, str(script), str(arguments), str(sent)]
            steps[step] = timed(cluster, command, lambda: int(sent.read_text()))
        found[contender] = steps
        cluster.forget(*(f"{NAME}:{tag}" for _image, tag in STEPS.values()))
    return found


@dataclass(frozen=True, slots=True)
class Case:
    """Something that should be loaded, or cannot be."""

    name: str
    # What minikube is told, and what minikube_load is.
    arguments: Sequence[str]
    images: Sequence[Mapping[str, Any]]
    # What the node should then mean by each name; with nothing, only an error is right.
    goal: Mapping[str, str] = field(default_factory=dict)
    # What happens before each of them.
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one of them said, and what was true."""

    said_well: bool
    words: str
    reached: bool

    @property
    def verdict(self) -> str:
        if self.said_well == self.reached:
            return "true"
        return "**false success**" if self.said_well else "false alarm"


class Workshop:
    """Makes images for the cases, in the daemon and as archives."""

    def __init__(self, cluster: Profile, work: Path) -> None:
        self._cluster = cluster
        self._work = work

    def image(self, name: str, text: str, *, architecture: str = "amd64") -> tuple[str, Path]:
        """Return its id and its archive."""
        folder = self._work / text
        layers = [{"bin/busybox": tool("busybox").read_bytes()}, {"b": text.encode() * 50_000}]
        layout(folder, layers, architecture=architecture)
        archive = folder.with_suffix(".tar")
        return self._cluster.build(folder, name, archive), archive

    def harmed(self, archive: Path, name: str, harm: Callable[[bytes], bytes]) -> Path:
        target = self._work / name
        target.write_bytes(harm(archive.read_bytes()))
        return target


def flipped(content: bytes) -> bytes:
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def cases(cluster: Profile, work: Path) -> list[Case]:
    """Make the images and return the cases; the last one ends the node."""
    shop = Workshop(cluster, work)
    _id, good = shop.image("case.local/good:1", "good")
    broken = {
        "the archive is missing": work / "no.tar",
        "the archive is cut off": shop.harmed(good, "cut.tar", lambda content: content[: len(content) // 2]),
        "it is no archive": shop.harmed(good, "text.tar", lambda _content: b"no archive\n" * 100),
        "a byte of a layer is another one": shop.harmed(good, "flipped.tar", flipped),
    }
    found = [
        Case(name, [str(path)], [{"archive": str(path), "name": "case.local/good:1"}])
        for name, path in broken.items()
    ]
    for name in ("nothere:1", "nothere.example.test/team/app:1"):
        found.append(Case(f"the daemon has no {name}", [name], [{"docker": name}]))
    _id, archive = shop.image("case.local/known:1", "known")
    found.append(
        Case(
            "one image is unknown, one is there",
            ["nothere:1", str(archive)],
            [{"docker": "nothere:1"}, {"archive": str(archive)}],
        )
    )
    _id, arm = shop.image("case.local/arm:1", "arm", architecture="arm64")
    found.append(Case("an image for arm64, a node for amd64", [str(arm)], [{"archive": str(arm)}]))
    one, _archive = shop.image("one.local/team/app:1", "one")
    two, _archive = shop.image("two.local/team/app:1", "two")
    names = ["one.local/team/app:1", "two.local/team/app:1"]
    found.append(
        Case(
            "two images of one base name",
            names,
            [{"docker": name} for name in names],
            dict(zip(names, (one, two), strict=True)),
        )
    )
    moves = "case.local/moves:1"

    def moved(*, pod: bool = False) -> Callable[[], object]:
        def act() -> None:
            shop.image(moves, "before")
            cluster.run(*cluster.minikube("image", "load", moves))
            if pod:
                cluster.pod(moves)
            shop.image(moves, "after")

        return act

    after, _archive = shop.image(moves, "after")
    found += [
        Case(
            "the tag was built anew, `--overwrite=false`",
            ["--overwrite=false", moves],
            [{"docker": moves}],
            {moves: after},
            moved(),
        ),
        Case("the tag was built anew", [moves], [{"docker": moves}], {moves: after}, moved()),
        Case(
            "the tag was built anew while a pod runs it",
            [moves],
            [{"docker": moves}],
            {moves: after},
            moved(pod=True),
        ),
    ]
    last, archive = shop.image("case.local/last:1", "last")
    found.append(
        Case(
            "the cluster is stopped",
            [str(archive)],
            [{"archive": str(archive)}],
            {"case.local/last:1": last},
            lambda: cluster.run(*cluster.minikube("stop")),
        )
    )
    return found


def judge(cluster: Profile, case: Case) -> tuple[Answer, Answer]:
    """Let both try, each from the same beginning."""
    names = ["case.local/good:1", "case.local/known:1", *case.goal]
    answers = []
    for ours in (False, True):
        cluster.forget(*names)
        case.before()
        if ours:
            answer = call("minikube_load", cluster.arguments(*map(dict, case.images)))
            well, words = not answer.get("failed"), str(answer.get("msg") or answer.get("reason"))
        else:
            done = cluster.run(*cluster.minikube("image", "load", *case.arguments), check=False)
            well, words = done.returncode == 0, first_line([done.stderr, done.stdout])
        has = cluster.ids()
        reached = bool(case.goal) and all(has.get(name) == identity for name, identity in case.goal.items())
        answers.append(Answer(well, words, reached))
    return answers[0], answers[1]


def shown(words: str) -> str:
    return (words[:140] + "..." if len(words) > 140 else words).replace("|", "\\|") or "(nothing)"


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="with 0 there is no first table")
    parser.add_argument("--only", default="", help="the cases with this in their name")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, profile() as cluster:
        runs = []
        for number in range(given.runs):
            folder = Path(name) / str(number)
            folder.mkdir()
            runs.append(speed(cluster, folder))
        if runs:
            print("\n".join(table(runs)))
        folder = Path(name) / "cases"
        folder.mkdir()
        print("\n| case | `minikube image load` says | that is | `minikube_load` says | that is |")
        print("|---|---|---|---|---|")
        for case in cases(cluster, folder):
            if given.only not in case.name:
                continue
            theirs, ours = judge(cluster, case)
            cells = [case.name]
            for answer in (theirs, ours):
                word = "code 0" if answer.said_well else "failed"
                cells += [f"{word}: {shown(answer.words)}", answer.verdict]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
