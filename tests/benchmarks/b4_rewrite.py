# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B4: every secret is written anew under the next key, while clients edit 20 of them a second.

Each contender begins with all values under the old key and API servers that write with the new one.
Counted are the time of its own process and children, its requests, and in etcd itself what is left under
the old key. An edit is lost when a secret does not hold what its client was told is stored.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import migration, transitions
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import classify
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import ConfigFile, render
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Endpoint, Gateway
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import Key, Mark, new_key
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rewriting import Rewriter
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.transitions import Target
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.tests.support.encrypted import SECRETS, Editor, Encrypted
from ansible_collections.rampart.k8s.tests.support.programs import tool

EDITS = 20.0
GATES = "StorageVersionMigrator=true"
HANDS = 8


@dataclass(frozen=True, slots=True)
class Result:
    """What one contender took and left."""

    name: str
    wall: float
    cpu: float
    requests: int
    lost: int
    left: int
    edits: int

    def row(self, count: int) -> str:
        figures = f"{self.wall:.1f} | {self.cpu:.1f} | {count / self.wall:.0f} | {self.requests}"
        return f"| {self.name} | {figures} | {self.edits} | {self.lost} | {self.left} |"


def promote(cluster: Encrypted) -> Mark:
    """Let the API server write with a next key; return what values carry by now."""
    file = ConfigFile(cluster.path, Redactor())
    seen = file.require()
    old = seen.configuration.entries[0].mark
    target = Target("secretbox", made_before=datetime.now(UTC) + timedelta(seconds=1))

    def make(least: datetime | None) -> Key:
        return new_key(least or datetime.now(UTC), ())

    added = transitions.add(seen.configuration, target, (0,), make)
    file.write(render(transitions.promote(added, target)))
    cluster.rig.restart("kube-apiserver")
    cluster.rig.wait_ready()
    return old


def settle(cluster: Encrypted) -> None:
    """Drop all but the writing key; nothing is under another one."""
    file = ConfigFile(cluster.path, Redactor())
    file.write(render(transitions.retire(file.require().configuration, Target("secretbox"), (0,))))
    cluster.rig.restart("kube-apiserver")
    cluster.rig.wait_ready()


def measure(cluster: Encrypted, name: str, count: int, command: list[str]) -> Result:
    """Run one contender while secrets are edited."""
    old = promote(cluster)
    mark = cluster.rig.mark()
    editors = cluster.rig.kubeconfig_for("editor", "system:masters")
    with Editor(cluster, count, rate=EDITS, kubeconfig=editors) as editor:
        started = time.monotonic()
        child = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = child.stdout.read() if child.stdout else b""
        _pid, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - started
    requests = sum(event["user"]["username"] == "admin" for event in cluster.rig.audit(mark))
    left = sum(found for prefix, found in cluster.prefixes().items() if prefix.endswith(f":{old.key}"))
    lost = len(editor.lost())
    if child.returncode and not said:
        raise SystemExit(f"{name} ended with {child.returncode} and said nothing")
    result = Result(
        name,
        wall,
        used.ru_utime + used.ru_stime,
        requests,
        lost,
        left,
        sum(editor.edits.values()),
    )
    print(result.row(count), flush=True)
    if left:
        rewrite(str(cluster.rig.kubeconfig), cluster.rig.etcd_endpoint, str(cluster.path))
    settle(cluster)
    return result


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def rewrite(kubeconfig: str, endpoint: str, path: str) -> None:
    """What encryption_rotate does in its step rewrite."""
    mark = ConfigFile(Path(path), Redactor()).require().configuration.entries[0].mark
    client = Client(Connection(kubeconfig), Redactor())
    rewriter = Rewriter(client, Gateway(Endpoint(endpoint)), "/registry", Progress(None), patience=600)
    outcome = rewriter.run(lambda resource, value: resource == "secrets" and classify(value).mark != mark)
    print(json.dumps({"rewritten": outcome.rewritten, "gone": outcome.gone, "failed": len(outcome.failed)}))


def floor(kubeconfig: str, count: str, _path: str) -> None:
    """One empty patch for each secret, whose names are known: less cannot be done."""
    client = Client(Connection(kubeconfig, api_timeout=3600), Redactor(), workers=HANDS)

    def patch(number: int) -> None:
        client.transport.send("PATCH", f"{SECRETS}/s-{number}", body={}, content_type=MERGE)

    client.map(patch, range(int(count)))


def migrate(kubeconfig: str, name: str, _path: str) -> None:
    """StorageVersionMigration, waited for."""
    client = Client(Connection(kubeconfig, api_timeout=3600), Redactor())
    collection = migration.served(client)
    if collection is None:
        raise SystemExit("no StorageVersionMigration is served")
    said = migration.migrate(client, collection, {"secrets": Mark("", name)}, Progress(None), timeout=3600)
    print(said)


ACTS: dict[str, Callable[[str, str, str], None]] = {"rewrite": rewrite, "floor": floor, "migrate": migrate}


def run(count: int, size: int, *, kubectl: bool) -> None:
    """Measure all contenders on one cluster."""
    with tempfile.TemporaryDirectory() as folder:
        flags = (
            "--enable-priority-and-fairness=false",
            f"--feature-gates={GATES}",
            "--runtime-config=storagemigration.k8s.io/v1beta1=true",
        )
        with Encrypted.started(
            Path(folder),
            config={"resources": ["secrets"]},
            api_flags=flags,
            controllers=True,
            durable=True,
            manager_flags=(f"--feature-gates={GATES}",),
            etcd_flags=("--quota-backend-bytes=8589934592",),
        ) as cluster:
            cluster.fill(count, size)
            own = [sys.executable, "-m", __spec__.name, "--act"]
            arguments = [str(cluster.rig.kubeconfig), cluster.rig.etcd_endpoint, str(cluster.path)]
            print(f"\n**{count} secrets of {size} bytes, {EDITS:g} edits a second**\n")
            print("| | wall s | CPU s | values/s | requests | edits | lost | left under the old key |")
            print("|---|---:|---:|---:|---:|---:|---:|---:|")
            measure(cluster, "floor: one patch each", count, [*own, "floor", arguments[0], str(count), ""])
            measure(
                cluster, "rampart.k8s.encryption_rotate, step rewrite", count, [*own, "rewrite", *arguments]
            )
            measure(cluster, "StorageVersionMigration", count, [*own, "migrate", arguments[0], "b4", ""])
            if kubectl:
                config = f"{tool('kubectl')} --kubeconfig={arguments[0]}"
                pipe = f"{config} get secrets -n default -o json | {config} replace -f -"
                measure(cluster, "kubectl get, kubectl replace", count, ["sh", "-c", pipe])


def main() -> None:
    """Measure by number and size."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.b4_rewrite", description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["1000x1000", "10000x1000", "200x1000000"])
    parser.add_argument("--no-kubectl", action="store_true", help="leave out what takes minutes")
    parser.add_argument("--act", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.act:
        act, *arguments = options.act
        ACTS[act](*arguments)
        return
    for size in options.sizes:
        count, bytes_each = map(int, size.split("x"))
        run(count, bytes_each, kubectl=not options.no_kubectl)


if __name__ == "__main__":
    main()
