# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B8: how long after a release became ready, or after it surely never will, its verdict comes.

``python -m tests.benchmarks.b8_verify [--runs 3] [--objects 60] [--timeout 60] [--only deleted]``

A real API server with real controllers; nodes are played, so that pods become ready at moments drawn by
chance, cannot get their image, or crash. The overshoot is the time from the last pod that was said to be
ready to the end of the waiting process. For a failure it is the time from the start to the verdict, where
contenders that wait for their timeout are given one of a minute in place of Helm's five; who gives the wrong
verdict is named. Requests are those of the contender, from the audit log; CPU is that of its process with
all its children.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.benchmarks.measure import ROOT, play
from tests.rig import Rig
from tests.support.kubelet import Kubelet
from tests.support.programs import tool

IMAGE, GONE = "registry.local/a:1", "registry.local/gone:1"
# Of each object kind as many; a quarter of them makes pods.
TEMPLATE = """
{{- range until (int .Values.count) }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ $.Release.Name }}-{{ . }}"}
data: {number: "{{ . }}", note: "{{ $.Values.note }}"}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ $.Release.Name }}-{{ . }}"}
spec: {selector: {app: "{{ $.Release.Name }}-{{ . }}"}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: "{{ $.Release.Name }}-{{ . }}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ $.Release.Name }}-{{ . }}"}
spec:
  selector: {matchLabels: {app: "{{ $.Release.Name }}-{{ . }}"}}
  template:
    metadata: {labels: {app: "{{ $.Release.Name }}-{{ . }}"}}
    spec:
      containers:
        - name: main
          image: {{ if and (eq . 0) $.Values.gone }}GONE{{ else }}IMAGE{{ end }}
          {{- if and (eq . 0) $.Values.crash }}
          command: [/bin/sh, -c, exit 3]
          {{- end }}
{{- end }}
""".replace("IMAGE", IMAGE).replace("GONE", GONE)

Values = dict[str, Any]
Contender = Callable[[str, str, Values], list[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """What one run took."""

    seconds: float
    cpu: float
    requests: int
    code: int


def chart(folder: Path) -> Path:
    made = folder / "many"
    (made / "templates").mkdir(parents=True)
    (made / "Chart.yaml").write_text("apiVersion: v2\nname: many\nversion: 0.1.0\n")
    (made / "values.yaml").write_text("count: 15\ngone: false\ncrash: false\nnote: one\n")
    (made / "templates/many.yaml").write_text(TEMPLATE)
    return made


def contenders(rig: Rig, folder: Path, timeout: int) -> dict[str, Contender]:
    """Return how each is started for a release, a namespace and values."""
    kubeconfig = str(rig.kubeconfig_for("bench", "system:masters"))
    made = chart(folder)
    program = {name: str(tool(name)) for name in ("helm", "helm4")}

    def cli(name: str, *wait: str) -> Contender:
        def command(release: str, space: str, values: Values) -> list[str]:
            given = [f"--set={key}={str(value).lower()}" for key, value in values.items()]
            argv = [program[name], "upgrade", release, str(made), "--install", f"--namespace={space}"]
            return [*argv, f"--kubeconfig={kubeconfig}", f"--timeout={timeout}s", *wait, *given]

        return command

    def ours(release: str, space: str, values: Values) -> dict[str, Any]:
        demands = {"pod_security": "privileged", "read_only_root": False, "network_isolation": False}
        entry = {"name": release, "namespace": space, "chart": str(made), "values": values}
        return {
            "kubeconfig": kubeconfig,
            "helm": program["helm"],
            "releases": [entry],
            "demands": demands,
            "timeout": timeout,
        }

    def module(release: str, space: str, values: Values) -> list[str]:
        code = (
            "import json,sys;from tests.support.modules import call;"
            "sys.exit(bool(call('helm_deploy',json.loads(sys.argv[1])).get('failed')))"
        )
        return [sys.executable, "-c", code, json.dumps(ours(release, space, values))]

    def ours_in_a_play(release: str, space: str, values: Values) -> list[str]:
        return play(folder, "ours", [{"rampart.k8s.helm_deploy": ours(release, space, values)}])

    def core(release: str, space: str, values: Values) -> list[str]:
        task = {
            "kubernetes.core.helm": {
                "binary_path": program["helm"],
                "kubeconfig": kubeconfig,
                "name": release,
                "namespace": space,
                "chart_ref": str(made),
                "values": values,
                "wait": True,
                "timeout": f"{timeout}s",
            }
        }
        return play(folder, "core", [task])

    return {
        "rampart.k8s.helm_deploy, the module": module,
        "rampart.k8s.helm_deploy, whole play": ours_in_a_play,
        "helm 3 --wait (legacy)": cli("helm", "--wait"),
        "helm 4 --wait=legacy": cli("helm4", "--wait=legacy"),
        "helm 4 --wait=watcher": cli("helm4", "--wait=watcher"),
        "kubernetes.core.helm wait, whole play": core,
    }


def measured(rig: Rig, command: list[str]) -> tuple[Row, float]:
    """Run a contender to its end; return what it took and when it ended."""
    mark, started = rig.mark(), time.monotonic()
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "collections"))),
    }
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        _unused, code, usage = os.wait4(child.pid, 0)
        ended = time.monotonic()
        said.seek(0)
        # Why it ended: a verdict that came for another reason than the case's is none.
        text = said.read().decode(errors="replace").strip()
    print(f"{Path(command[0]).name}: {text[-600:]}", file=sys.stderr, flush=True)
    requests = sum(1 for event in rig.audit(mark) if event["user"]["username"] == "bench")
    cpu = usage.ru_utime + usage.ru_stime
    return Row(ended - started, cpu, requests, os.waitstatus_to_exitcode(code)), ended


def space_for(client: Client, number: int) -> str:
    name = f"b-{number}"
    client.call("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
    accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
    if not watching.until(client, accounts, "default", lambda found: found, 30):
        raise SystemExit("the controllers do not make service accounts")
    return name


def hold(client: Client, space: str, release: str) -> None:
    """Delete a Deployment that something holds on to for ever."""
    path = f"/apis/apps/v1/namespaces/{space}/deployments/{release}-0"
    body = {"metadata": {"finalizers": ["bench.rampart.test/held"]}}
    client.call("PATCH", path, body=body, content_type=MERGE)
    client.call("DELETE", path)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--objects", type=int, default=60)
    parser.add_argument("--timeout", type=int, default=60)
    parser.add_argument("--only", default="", help="the cases with this in their title")
    arguments = parser.parse_args()
    count = arguments.objects // 4
    cases: dict[str, Values] = {
        "healthy: seconds after the last pod was ready": {"count": count},
        "an image that cannot be had: seconds to the verdict": {"count": count, "gone": True},
        "a container that crashes: seconds to the verdict": {"count": count, "crash": True},
        "an object that is being deleted for ever: seconds to the verdict": {"count": count, "note": "two"},
    }
    number = 0
    with (
        Rig(controllers=True) as rig,
        tempfile.TemporaryDirectory() as scratch,
        Kubelet(str(rig.kubeconfig), slowness=6.0) as kubelet,
    ):
        kubelet.gone.add(GONE)
        client = Client(Connection(str(rig.kubeconfig), api_timeout=7200), Redactor())
        for place, (title, values) in enumerate(cases.items()):
            if arguments.only not in title:
                continue
            fails = len(values) > 1
            print(f"\n**{title}** ({4 * count} objects)\n\n| | seconds | worst | CPU s | requests |")
            print("|---|---:|---:|---:|---:|")
            for index, (name, contender) in enumerate(
                contenders(rig, Path(scratch) / str(place), arguments.timeout).items()
            ):
                rows, seconds = [], []
                for _run in range(arguments.runs):
                    number += 1
                    release, space = f"r{index}", space_for(client, number)
                    if "note" in values:
                        first, _ended = measured(rig, contender(release, space, {"count": count}))
                        if first.code:
                            raise SystemExit(f"{name} could not install what was to be upgraded")
                        hold(client, space, release)
                    row, ended = measured(rig, contender(release, space, values))
                    rows.append(row)
                    seconds.append(row.seconds if fails else ended - kubelet.last_ready)
                wrong = sum(bool(row.code) is not fails for row in rows)
                verdict = "well" if fails else "broken"
                fooled = f", says {wrong} of {len(rows)} times that it is {verdict}" if wrong else ""
                print(
                    f"| {name}{fooled} | {statistics.median(seconds):.2f} | {max(seconds):.2f} "
                    f"| {statistics.median(row.cpu for row in rows):.2f} "
                    f"| {round(statistics.median(row.requests for row in rows))} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
