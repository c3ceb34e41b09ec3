# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real minikube for benchmarks, brought up by the collection's own role and removed at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import open_image
from ansible_collections.rampart.k8s.plugins.module_utils._oci.repack import repack

from tests.benchmarks.measure import ROOT
from tests.support.programs import tool

NAME = "rampart-bench"
STATE = Path("/var/lib/rampart-bench")
VARIABLES: dict[str, Any] = {
    "cluster_driver": "minikube",
    "cluster_name": NAME,
    "cluster_index": 61,
    "cluster_state_dir": str(STATE),
    "cluster_minikube_air_gapped": "true",
    "cluster_minikube_cni": "bridge",
}


class Profile:
    """The profile, its daemon and its node."""

    def __init__(self) -> None:
        self.root = STATE / NAME
        self.home = self.root / "minikube" / ".minikube"
        own = self.root / "docker" / "data"
        self.docker_host = (
            f"unix:///run/rampart/{NAME}/docker/docker.sock"
            if own.is_dir()
            else os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        )
        self.environment = {
            **os.environ,
            "MINIKUBE_HOME": str(self.home),
            "KUBECONFIG": str(self.root / "admin.kubeconfig"),
            "DOCKER_HOST": self.docker_host,
            "DOCKER_CONFIG": str(self.home / "docker"),
            "MINIKUBE_IN_STYLE": "false",
        }

    def minikube(self, *arguments: str) -> list[str]:
        """Return a command of minikube for this profile."""
        return [str(tool("minikube")), "--profile", NAME, *arguments]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.environment, check=False, timeout=300
        )
        if check and done.returncode:
            raise SystemExit(f"{command} failed: {done.stderr[-2000:]}")
        return done

    def node(self, *command: str, check: bool = True) -> str:
        """Run a command in the node."""
        return self.run("docker", "exec", NAME, *command, check=check).stdout

    def ids(self) -> dict[str, str]:
        """Say what each name means to the kubelet; where no node runs, nothing means anything."""
        answer = json.loads(self.node("crictl", "images", "--output=json", check=False) or '{"images": []}')
        return {name: image["id"] for image in answer["images"] for name in image.get("repoTags") or []}

    def build(self, layout: Path, name: str, archive: Path) -> str:
        """Put the image of a layout into the daemon and into an archive; return its id."""
        packed = open_image(FolderMembers(layout))
        archive.unlink(missing_ok=True)
        repack(packed, archive)
        self.run("docker", "load", f"--input={archive}")
        self.run("docker", "tag", packed.id, name)
        self.run("docker", "save", f"--output={archive}", name)
        return packed.id

    def forget(self, *names: str) -> None:
        """Remove images from the node and from what minikube keeps of them."""
        self.node("crictl", "rmi", *names, check=False)
        self.node("sh", "-c", "rm -rf /var/lib/minikube/images/*", check=False)
        cache = self.home / "cache" / "images"
        for name in names:
            for path in cache.glob(f"*/{name.replace(':', '_')}"):
                path.unlink()

    def arguments(self, *images: dict[str, Any]) -> dict[str, Any]:
        """Return what minikube_load is called with."""
        return {
            "profile": NAME,
            "home": str(self.home),
            "docker_host": self.docker_host,
            "source_docker_host": self.docker_host,
            "images": list(images),
        }

    def pod(self, image: str) -> None:
        """Run an image that has a busybox."""
        context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        spec = {
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "app",
                    "image": image,
                    "imagePullPolicy": "Never",
                    "command": ["/bin/busybox", "sleep", "3600"],
                    "securityContext": context,
                }
            ],
        }
        kubectl = str(tool("kubectl"))
        self.run(kubectl, "delete", "pod", "app", "--ignore-not-found", "--now")
        overrides = json.dumps({"spec": spec})
        self.run(kubectl, "run", "app", f"--image={image}", f"--overrides={overrides}")
        self.run(kubectl, "wait", "pod/app", "--for=condition=Ready", "--timeout=60s")

    def cpu(self) -> float:
        """Return the CPU seconds so far of the node and of the daemon that holds it."""
        total = 0.0
        pids = [self.run("docker", "inspect", "--format={{.State.Pid}}", NAME).stdout.strip()]
        for pid in pids:
            for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
                _number, controllers, path = line.split(":", 2)
                if "cpuacct" in controllers.split(","):
                    folder = Path("/sys/fs/cgroup/cpuacct") / path.lstrip("/")
                    # systemd in the node may sit in a group below that of the container.
                    while folder.name in ("init.scope", "system.slice"):
                        folder = folder.parent
                    total += int((folder / "cpuacct.usage").read_text()) / 1e9
        return total


def play(playbook: str, **variables: Any) -> None:
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        "inventories/minikube",
        playbook,
        "-e",
        json.dumps({**VARIABLES, **variables}),
    ]
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{playbook} failed: {done.stdout[-4000:]}{done.stderr[-1000:]}")
    print(f"{playbook}: {time.monotonic() - started:.0f} s", file=sys.stderr)


@contextmanager
def profile() -> Iterator[Profile]:
    """Bring the profile up, and remove it at the end."""
    play("playbooks/tools.yml", tools_wanted=["kubernetes", "minikube", "crane"])
    try:
        play("playbooks/cluster.yml")
        yield Profile()
    finally:
        play("playbooks/cluster_reset.yml", cluster_reset_confirm=True)


def first_line(texts: Sequence[str]) -> str:
    """Return what a person would see first."""
    return next((line.strip() for text in texts for line in text.splitlines() if line.strip()), "")
