# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B10: the whole of site.yml with its pipeline: from warm tools, again, and after a change of the code.

``python -m tests.benchmarks.b10_site [--runs 3]``

Brings up the local inventory's cluster under a name of its own, and resets it at the end. The change is a
commit in a clone of this repository: one more constant in the backend. The contender delivers with
kubernetes.core what ours has delivered: the objects of the environments in one task, and each release by the
helm module, which waits; it builds, judges, signs and proves nothing. Unchanged, both are asked for the same;
after the change it delivers the former images once more, so that the same pods are replaced. Needs root and
the tools, and the machine for itself: Cilium can be there once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import ROOT, Cost, median, play, run, table
from tests.support import asking
from tests.support.programs import tool

NAME = "b10"
# Ours owns the fields; a contender that came first would not have to take them.
SERVER_SIDE = {"apply": True, "server_side_apply": {"field_manager": "core", "force_conflicts": True}}
KINDS = (
    "namespaces,resourcequotas,limitranges,serviceaccounts,roles,clusterroles,rolebindings,"
    "clusterrolebindings,networkpolicies"
)
OURS_AGAIN = "site.yml, nothing changed: every gate and proof"
OURS_PIPELINE = "pipeline.yml, nothing changed"
OURS_CHANGE = "pipeline.yml, a change of the code: build to verified"
CORE_AGAIN = "kubernetes.core, nothing changed: no gate, no proof"
CORE_CHANGE = "kubernetes.core, other images: delivery alone"
# What only a server writes, or what our own applies carry.
SERVERS = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")


def command(state: Path, playbook: str, **more: Any) -> list[str]:
    """Return how a playbook is run on the cluster of this benchmark."""
    variables = {
        "cluster_name": NAME,
        "cluster_index": 43,
        "cluster_state_dir": str(state),
        "cluster_reset_confirm": True,
        **more,
    }
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    path = ROOT / ("site.yml" if playbook == "site" else f"playbooks/{playbook}.yml")
    return [program, "-i", str(ROOT / "inventories/local"), "-e", json.dumps(variables), str(path)]


class Live:
    """What stands in the cluster, asked by kubectl and helm alone."""

    def __init__(self, state: Path) -> None:
        self.kubeconfig = state / NAME / "admin.kubeconfig"

    def objects(self) -> list[dict[str, Any]]:
        """Return what shapes the environments, as somebody would have written it down."""
        listed = ("get", KINDS, "--all-namespaces", "--selector=app.kubernetes.io/managed-by=rampart")
        items: list[dict[str, Any]] = asking.kubectl(self.kubeconfig, *listed)["items"]
        for item in items:
            item.pop("status", None)
            for field in SERVERS:
                item["metadata"].pop(field, None)
        if not items:
            raise SystemExit("no object of an environment was found")
        return items

    def releases(self, packages: Path) -> list[dict[str, Any]]:
        """Return the deployed releases as tasks of kubernetes.core, values and chart as they are."""
        tasks = []
        for release in asking.helm(self.kubeconfig, "list", "--all-namespaces"):
            name, space = release["name"], release["namespace"]
            values = asking.helm(self.kubeconfig, "get", "values", name, "--namespace", space)
            tasks.append(
                {
                    "kubernetes.core.helm": {
                        "name": name,
                        "namespace": space,
                        "chart_ref": str(packages / f"{release['chart']}.tgz"),
                        "values": values,
                        "kubeconfig": str(self.kubeconfig),
                        "binary_path": str(tool("helm")),
                        "wait": True,
                        "timeout": "5m",
                    }
                }
            )
        return tasks


def core(folder: Path, live: Live, packages: Path) -> list[str]:
    """Write the contender's play: what is live now, in the usual words."""
    module = {"kubeconfig": str(live.kubeconfig), "definition": "{{ objects }}", **SERVER_SIDE}
    tasks = [{"kubernetes.core.k8s": module}, *live.releases(packages)]
    return play(folder, "core", tasks, objects=live.objects())


def changed(folder: Path) -> Path:
    """Clone this repository, commit a change of the backend, and return the application's folder."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    source = clone / "examples/ai-backend/backend/backend/__init__.py"
    source.write_text(source.read_text() + '\nCHANGED = "by the benchmark"\n')
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    message = ("commit", "--quiet", "--all", "--message=Change the backend")
    subprocess.run(["git", "-C", str(clone), *identity, *message], check=True)
    return clone / "examples/ai-backend"


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = range(parser.parse_args().runs)
    os.environ["ANSIBLE_PIPELINING"] = "true"
    rows: list[tuple[str, Cost]] = []

    def note(title: str, *costs: Cost) -> None:
        rows.append((title, median(costs)))
        print(f"{title}: {rows[-1][1]}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="b10-", dir="/var/tmp") as name:
        folder, state = Path(name), Path(name) / "state"
        # etcd and the pods' own users pass through it.
        folder.chmod(0o711)
        live = Live(state)
        try:
            note("site.yml, nothing there but the tools", run(command(state, "site")))
            note(OURS_AGAIN, *(run(command(state, "site")) for _run in runs))
            note(OURS_PIPELINE, *(run(command(state, "pipeline")) for _run in runs))
            # Before the contender upgrades the releases, which ours would put right as well.
            before = core(folder, live, state / "charts")
            note(OURS_CHANGE, run(command(state, "pipeline", application_dir=str(changed(folder)))))
            note(CORE_CHANGE, run(before))
            note(CORE_AGAIN, *(run(before) for _run in runs))
        finally:
            run(command(state, "cluster_reset"))
    table("The whole of it", rows, OURS_AGAIN)


if __name__ == "__main__":
    main()
