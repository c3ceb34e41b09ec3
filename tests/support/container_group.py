# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Launches job templates in pods of the execution environment, as a container group of AWX does.

AWX makes a pod that waits on its standard input, sends it the job (ansible-runner transmit), lets it run that
(ansible-runner worker) and reads what it says (ansible-runner process).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.awx import Controller
from tests.support.checkouts import BIN

# Where a job finds its folder in the pod, and one that AWX exposes to it (cluster_state_dir).
FOLDER = Path("/runner")
STATE = Path("/var/lib/rampart")
START_SECONDS = 120
JOB_SECONDS = 1200
# What the strictest level of Pod Security asks for.
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def worker(name: str, image: str) -> dict[str, Any]:
    """Return the pod that AWX makes for a job."""
    container = {
        "name": "worker",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["ansible-runner", "worker", f"--private-data-dir={FOLDER}"],
        "stdin": True,
        "stdinOnce": True,
        "securityContext": RESTRICTED,
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"cpu": "2", "memory": "4Gi"},
        },
        "volumeMounts": [{"name": "state", "mountPath": str(STATE)}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "automation-job"}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [{"name": "state", "emptyDir": {}}],
        },
    }


class ContainerGroup(Controller):
    """Has a checkout of the project and runs each job in a pod of its own."""

    def __init__(self, base: Path, kubectl: Sequence[str], image: str) -> None:
        super().__init__(base)
        self._kubectl = list(kubectl)
        self._image = image

    def _seen(self, folder: Path) -> Path:
        return FOLDER

    def _run(self, folder: Path, inventory: Path, asked: list[str]) -> None:
        shutil.copytree(self.project, folder / "project", symlinks=True)
        shutil.copytree(inventory, folder / "inventory", symlinks=True)
        pod = f"automation-{folder.name}"
        self._ask("create", "-f", "-", content=json.dumps(worker(pod, self._image)))
        try:
            self._ask("wait", "--for=condition=Ready", f"pod/{pod}", f"--timeout={START_SECONDS}s")
            self._through(pod, folder, asked)
        finally:
            self._ask("delete", "pod", pod, "--wait=false")

    def _through(self, pod: str, folder: Path, asked: list[str]) -> None:
        """Send the job through the pod, and what the pod says into the folder."""
        runner = str(BIN / "ansible-runner")
        pipe = subprocess.PIPE
        with (
            subprocess.Popen([runner, "transmit", str(folder), *asked], stdout=pipe) as sent,
            subprocess.Popen(
                [*self._kubectl, "attach", "--quiet", "--stdin", f"pod/{pod}"], stdin=sent.stdout, stdout=pipe
            ) as ran,
            subprocess.Popen(
                [runner, "process", str(folder), *asked[asked.index("--ident") :][:2]],
                stdin=ran.stdout,
                stdout=subprocess.DEVNULL,
            ) as read,
        ):
            read.wait(JOB_SECONDS)

    def _ask(self, *arguments: str, content: str | None = None) -> None:
        done = subprocess.run(
            [*self._kubectl, *arguments], input=content, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def main() -> None:
    """Run one job in a pod, and print how it ended and what it said."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    for name in ("kubectl", "kubeconfig", "namespace", "image", "inventory", "template"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    credentials: Mapping[str, Mapping[str, str]] = {
        "rampart kubeconfig": {"kubeconfig": Path(given.kubeconfig).read_text(encoding="utf-8")}
    }
    kubectl = [given.kubectl, f"--kubeconfig={given.kubeconfig}", f"--namespace={given.namespace}"]
    with tempfile.TemporaryDirectory() as base:
        job = ContainerGroup(Path(base), kubectl, given.image).launch(
            given.template, {}, inventory=Path(given.inventory), credentials=credentials, check=given.check
        )
    print(json.dumps({"status": job.status, "changed": job.changed, "failures": job.failures}))


if __name__ == "__main__":
    main()
