# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site that delivers the example from a clone of its own, into which broken versions are committed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from xml.etree import ElementTree

from tests.support import asking, caller, embedded, plays
from tests.support.plays import ROOT
from tests.support.programs import tool

NAME = "variants"
INDEX = 42
ENVIRONMENT = "dev"
RELEASE = "ai-backend"
# What a release is given to become ready and to pass its tests.
SECONDS = 90
DELIVER = "Deliver from environment to environment"
CHANGED = re.compile(r"^\w+ +: ok=\d+ +changed=(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended."""

    output: str
    # The seconds of each stage, and what those that failed gave as their reason.
    seconds: Mapping[str, float]
    failures: Mapping[str, str]

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        found = CHANGED.search(self.output)
        assert found, self.output[-4000:]
        return int(found[1])

    @property
    def words(self) -> str:
        """All that it said, without the line breaks of its layout."""
        return " ".join(self.output.split())


@dataclass(frozen=True, slots=True)
class Live:
    """What serves."""

    revision: int
    status: str
    # How it came to be, in Helm's words.
    description: str
    # The running containers, each with the image that the node says it is.
    images: frozenset[tuple[str, str]]
    pods: frozenset[str]


@dataclass(frozen=True, slots=True)
class Site:
    """One environment on an embedded cluster, below a folder with a short path since sockets lie there."""

    base: Path
    cni: str

    @classmethod
    def below(cls, base: Path) -> Self:
        """Return the site of a folder, with the network that this machine has left."""
        return cls(base, embedded.network(embedded.names(base, NAME, INDEX)))

    @property
    def kubeconfig(self) -> Path:
        return self.base / NAME / "admin.kubeconfig"

    @property
    def sources(self) -> Path:
        return self.base / "sources"

    def clone(self) -> None:
        """Take the sources: what is not committed does not exist."""
        subprocess.run(
            ["git", "clone", "--quiet", "--no-local", str(ROOT), str(self.sources)], check=True, timeout=120
        )

    def commit(self, edits: Mapping[str, tuple[str, str]]) -> None:
        """Make a version of the good one in which texts are replaced; a file of an empty text is new."""
        self.reset()
        for name, (old, new) in edits.items():
            file = self.sources / "examples/ai-backend" / name
            text = file.read_text() if old else ""
            assert old in text, f"{name} does not hold {old!r}"
            file.write_text(text.replace(old, new, 1))
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message=A version that is broken")

    def reset(self) -> None:
        """Go back to the sources as they were cloned."""
        self._git("reset", "--quiet", "--hard", "origin/HEAD")

    def _git(self, *arguments: str) -> None:
        person = ("-c", "user.name=Somebody", "-c", "user.email=somebody@rampart.test")
        subprocess.run(["git", "-C", str(self.sources), *person, *arguments], check=True, timeout=60)

    def start(self, playbook: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a playbook."""
        variables = {
            "application_dir": str(self.sources / "examples/ai-backend"),
            "cluster_cni": self.cni,
            "cluster_index": INDEX,
            "cluster_name": NAME,
            "cluster_reset_confirm": True,
            "cluster_state_dir": str(self.base),
            "helm_deploy_timeout": SECONDS,
            "rampart_environments": {ENVIRONMENT: {"min_available": 0}},
        }
        self._report.unlink(missing_ok=True)
        environment = {"RAMPART_STAGES_JUNIT": str(self._report)}
        return plays.start("inventories/local", playbook, variables, *arguments, environment=environment)

    @property
    def _report(self) -> Path:
        return self.base / "stages.xml"

    def finish(self, process: subprocess.Popen[str], *, fails: bool = False) -> Run:
        """Wait for its end, which must be as expected."""
        done = plays.finish(process)
        output = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, output[-6000:]
        cases = list(ElementTree.fromstring(self._report.read_text()).iter("testcase"))  # noqa: S314 (our own output)
        return Run(
            output,
            {case.attrib["name"]: float(case.attrib["time"]) for case in cases},
            {case.attrib["name"]: each.attrib["message"] for case in cases for each in case.iter("failure")},
        )

    def play(self, playbook: str, *arguments: str) -> Run:
        """Run a playbook that must succeed."""
        return self.finish(self.start(playbook, *arguments))

    def pipeline(self, stages: str, *, fails: bool = False) -> Run:
        """Run stages of the pipeline, by their tags."""
        return self.finish(self.start("pipeline", f"--tags={stages}"), fails=fails)

    def digest(self, part: str) -> str:
        """Return the digest of the image that was built last."""
        index = json.loads((self.base / "images" / part / "index.json").read_text())
        return str(index["manifests"][0]["digest"])

    def forget(self, part: str) -> None:
        """Take the image that was built last from the node, as a node does whose disk is full."""
        endpoint = f"--image-endpoint=unix://{self.base}/{NAME}/run/containerd/containerd.sock"
        image = f"rampart.local/ai-backend/{part}@{self.digest(part)}"
        subprocess.run(
            [str(tool("crictl")), endpoint, "rmi", image], check=True, capture_output=True, timeout=60
        )

    def kubectl(self, *arguments: str) -> str:
        return asking.run("kubectl", self.kubeconfig, f"--namespace={ENVIRONMENT}", *arguments)

    def ask(self, *arguments: str) -> Any:
        return asking.kubectl(self.kubeconfig, f"--namespace={ENVIRONMENT}", *arguments)

    def history(self) -> list[dict[str, Any]]:
        """Ask Helm itself for its revisions, the newest last."""
        found: list[dict[str, Any]] = asking.helm(
            self.kubeconfig, "history", RELEASE, f"--namespace={ENVIRONMENT}"
        )
        return found

    def live(self) -> Live:
        """Look at what serves, by Helm and by kubectl."""
        last = self.history()[-1]
        found = self.ask("get", "pods", "--selector=app.kubernetes.io/part-of=ai-backend")["items"]
        pods = [pod for pod in found if _serves(pod)]
        return Live(
            last["revision"],
            last["status"],
            last["description"],
            frozenset(image for pod in pods for image in _images(pod)),
            frozenset(pod["metadata"]["uid"] for pod in pods),
        )

    def serves(self) -> None:
        """Ask as a caller does."""
        caller.served(self.kubeconfig, ENVIRONMENT)


def _serves(pod: Mapping[str, Any]) -> bool:
    """Say whether a pod is one of the release, not of its tests, and is to stay."""
    metadata = pod["metadata"]
    return "deletionTimestamp" not in metadata and metadata["ownerReferences"][0]["kind"] != "Job"


def _images(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in pod["status"].get("containerStatuses") or []:
        yield each["name"], each["imageID"]


def descendants(process: int) -> list[int]:
    """Return the processes below one, those of other sessions too."""
    found = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(child) for child in listed.read_text().split()]
        except OSError:
            # It ended while it was looked at.
            continue
        found += [below for child in children for below in (child, *descendants(child))]
    return found


def upgrading(process: int) -> list[int]:
    """Return the Helm below a process that upgrades a release."""
    found = []
    for child in descendants(process):
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if Path(words[0]).name == "helm" and "upgrade" in words and "--dry-run=server" not in words:
            found.append(child)
    return found
