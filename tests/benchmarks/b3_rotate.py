# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B3: one secret that many Deployments mount, and many secrets, each with a Deployment of its own.

``python -m tests.benchmarks.b3_rotate [--runs 3] [--one 50] [--many 200] [--without kubernetes.core]``

A real API server with real controllers; the pods' node is played, and remembers what each pod was given when
it began. Measured is the time from the start of the contender to its end, when all pods are new and ready.
A rollout is missed when a pod holds something else than its Secret afterwards. The floor writes and patches
with bare requests, all at once, and waits by one watch; nothing is generated, journalled, locked or returned.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.benchmarks.measure import ROOT, Cost, median, play, run, table
from tests.rig import Rig
from tests.support.mounts_kubelet import Kubelet
from tests.support.programs import tool
from tests.support.rotation_model import deployment

SPACE = "b3"
OURS = "rampart.k8s.secret_rotate, whole play"
PATIENCE = 600
# Which Secret each Deployment mounts.
Uses = dict[str, str]
Contender = Callable[[Uses], list[str]]


def prepare(client: Client) -> None:
    client.call("POST", "/api/v1/namespaces", body={"metadata": {"name": SPACE}})
    accounts = f"/api/v1/namespaces/{SPACE}/serviceaccounts"
    if not watching.until(client, accounts, "default", lambda found: found, 30):
        raise SystemExit("the controllers do not make service accounts")


def build(client: Client, uses: Uses) -> None:
    """Make Secrets and Deployments, and wait until all pods run."""
    for name in sorted(set(uses.values())):
        body = {"metadata": {"name": name}, "stringData": {"password": secrets.token_hex(16)}}
        client.call("POST", f"/api/v1/namespaces/{SPACE}/secrets", body=body)
    made = [deployment(name, {secret: secret}, 1) for name, secret in uses.items()]
    path = f"/apis/apps/v1/namespaces/{SPACE}/deployments"
    client.map(lambda body: client.call("POST", path, body=body), made)
    await_all(client, uses, {})


def await_all(client: Client, uses: Uses, generations: dict[str, int]) -> None:
    """Wait by one watch until every Deployment has no old pod any more, and all new ones are ready."""
    left = set(uses)
    path = f"/apis/apps/v1/namespaces/{SPACE}/deployments"
    for event in watching.follow(client, path, {}, time.monotonic() + PATIENCE):
        for item in event.objects:
            status, name = item.get("status") or {}, item["metadata"]["name"]
            seen = status.get("observedGeneration", 0)
            counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
            if seen >= generations.get(name, 1) and counts == [1, 1, 1]:
                left.discard(name)
        if not left:
            return
    raise SystemExit(f"{len(left)} Deployments do not get ready")


def floor(kubeconfig: str, uses: Uses) -> None:
    """Do what has to be done, and nothing else."""
    client = Client(Connection(kubeconfig), Redactor())

    def write(name: str) -> None:
        body = {"stringData": {"password": secrets.token_hex(16)}}
        client.call("PATCH", f"/api/v1/namespaces/{SPACE}/secrets/{name}", body=body, content_type=MERGE)

    def restart(name: str) -> tuple[str, int]:
        said = {"metadata": {"annotations": {"restarted": secrets.token_hex(4)}}}
        path = f"/apis/apps/v1/namespaces/{SPACE}/deployments/{name}"
        body = {"spec": {"template": said}}
        return name, client.call("PATCH", path, body=body, content_type=MERGE)["metadata"]["generation"]

    client.map(write, sorted(set(uses.values())))
    await_all(client, uses, dict(client.map(restart, list(uses))))


def contenders(kubeconfig: str, folder: Path) -> dict[str, Contender]:
    """Return how each is started."""

    def arguments(uses: Uses) -> dict[str, Any]:
        listed = [
            {"namespace": SPACE, "name": name, "secret_class": "database", "keys": [{"name": "password"}]}
            for name in sorted(set(uses.values()))
        ]
        # The played pods have no shell to look with.
        return {
            "kubeconfig": kubeconfig,
            "secrets": listed,
            "scope": "all",
            "max_unavailable": "100%",
            "inspect_pods": False,
        }

    def ours(uses: Uses) -> list[str]:
        return play(folder, "ours", [{"rampart.k8s.secret_rotate": arguments(uses)}])

    def module(uses: Uses) -> list[str]:
        code = (
            "import json,sys;from tests.support.modules import call;"
            "sys.exit(bool(call('secret_rotate',json.load(open(sys.argv[1]))).get('failed')))"
        )
        path = folder / "arguments.json"
        path.write_text(json.dumps(arguments(uses)))
        return [sys.executable, "-c", code, str(path)]

    def bare(uses: Uses) -> list[str]:
        path = folder / "uses.json"
        path.write_text(json.dumps(uses))
        return [sys.executable, "-m", "tests.benchmarks.b3_rotate", "--floor", kubeconfig, str(path)]

    def kubectl(uses: Uses) -> list[str]:
        program = shlex.join([str(tool("kubectl")), f"--kubeconfig={kubeconfig}", f"--namespace={SPACE}"])
        lines = ["set -e"]
        for name in sorted(set(uses.values())):
            patch = json.dumps({"stringData": {"password": secrets.token_hex(16)}})
            lines.append(f"{program} patch secret {name} --type=merge --patch={shlex.quote(patch)}")
        names = " ".join(f"deployment/{name}" for name in uses)
        lines.append(f"{program} rollout restart {names}")
        lines += [f"{program} rollout status deployment/{name}" for name in uses]
        return ["/bin/sh", "-c", "\n".join(lines)]

    def core(uses: Uses) -> list[str]:
        stamp = secrets.token_hex(4)
        written = [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": SPACE},
                "data": {"password": base64.b64encode(secrets.token_hex(16).encode()).decode()},
            }
            for name in sorted(set(uses.values()))
        ]
        restarted = [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "namespace": SPACE},
                "spec": {"template": {"metadata": {"annotations": {"restarted": stamp}}}},
            }
            for name in uses
        ]
        common = {"kubeconfig": kubeconfig, "state": "patched", "definition": "{{ item }}"}
        wait = {"wait": True, "wait_timeout": PATIENCE, "wait_sleep": 1}
        tasks = [
            {"kubernetes.core.k8s": common, "loop": "{{ written }}"},
            {"kubernetes.core.k8s": {**common, **wait}, "loop": "{{ restarted }}"},
        ]
        return play(folder, "core", tasks, written=written, restarted=restarted)

    return {
        OURS: ours,
        "the same module without Ansible's start": module,
        "floor: bare requests, all at once": bare,
        "kubectl patch, rollout restart, rollout status": kubectl,
        "kubernetes.core.k8s with wait, whole play": core,
    }


def missed(client: Client, kubelet: Kubelet) -> int:
    """Count pods that hold something else than their Secret does."""
    items, _version = client.list_all(f"/api/v1/namespaces/{SPACE}/secrets")
    data = {item["metadata"]["name"]: item.get("data") or {} for item in items}
    pods, _version = client.list_all(f"/api/v1/namespaces/{SPACE}/pods")
    alive = [pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    return sum(
        base64.b64encode(held["password"]).decode() != data[secret]["password"]
        for name in alive
        for secret, held in kubelet.held[name].items()
    )


def main() -> None:
    """Measure all contenders and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", type=int, default=50, help="Deployments of the one secret")
    parser.add_argument("--many", type=int, default=200, help="secrets with a Deployment each")
    parser.add_argument("--without", default="nothing", help="leave out contenders with this in their name")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "collections")))
    cases = {
        f"1 secret, {arguments.one} Deployments": {f"a{n}": "shared" for n in range(arguments.one)},
        f"{arguments.many} secrets, {arguments.many} Deployments": {
            f"a{n}": f"s{n}" for n in range(arguments.many)
        },
    }
    for title, uses in cases.items():
        with (
            Rig(controllers=True) as rig,
            tempfile.TemporaryDirectory() as folder,
        ):
            client = Client(Connection(str(rig.kubeconfig), api_timeout=7200), Redactor())
            prepare(client)
            with Kubelet(rig, SPACE) as kubelet:
                build(client, uses)
                rows: list[tuple[str, Cost]] = []
                for name, contender in contenders(str(rig.kubeconfig), Path(folder)).items():
                    if arguments.without in name:
                        continue
                    costs = []
                    for _run in range(arguments.runs):
                        costs.append(run(contender(uses), rig))
                        print(f"{name}: {costs[-1]}, missed {missed(client, kubelet)}", file=sys.stderr)
                    rows.append((name, median(costs)))
        table(title, rows, OURS)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--floor"]:
        floor(sys.argv[2], json.loads(Path(sys.argv[3]).read_text()))
    else:
        main()
