# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real cluster whose parts, whose supervisor, whose play and whose machine are killed.

What a killed program leaves is healed by the supervisor; everything else by the next run. Needs root
and the tools. It stands beside other clusters of the machine, with Cilium when no other one has it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._cluster import observe
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.names import Cluster

from tests.support import embedded

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("RAMPART_TOOLS", str(Path.home() / ".cache" / "rampart")))
INDEX = 40
NAME = "faults"
PATIENCE = 120.0

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "registry")
NODE = ("containerd", "kubelet")
NETWORK = {"cilium": ("cilium-operator", "cilium-agent"), "bridge": ("kube-proxy",)}

SLEEPER = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "sleeper", "namespace": "default"},
    "spec": {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "probe",
                "image": f"127.0.0.1:{5000 + 100 * INDEX}/rampart/probe:1",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The cluster that is hurt."""

    state: Path
    cni: str

    @property
    def names(self) -> Cluster:
        return embedded.names(self.state, NAME, INDEX)

    @property
    def programs(self) -> tuple[str, ...]:
        return (*CONTROL_PLANE, *NODE, *NETWORK[self.cni])

    def command(self, playbook: str, *arguments: str) -> list[str]:
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "cluster_state_dir": str(self.state),
            "cluster_name": NAME,
            "cluster_index": INDEX,
            "cluster_cni": self.cni,
            "cluster_stop_seconds": 3,
            "cluster_reset_confirm": True,
            "cluster_tools_prefix": str(TOOLS),
        }
        ansible = str(Path(sys.executable).with_name("ansible-playbook"))
        extra = ("-i", f"{NAME},", "-e", json.dumps(variables))
        return [ansible, *extra, *arguments, f"playbooks/{playbook}.yml"]

    def start_play(self, playbook: str, *arguments: str) -> subprocess.Popen[str]:
        settings = {"ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        return subprocess.Popen(
            self.command(playbook, *arguments),
            cwd=REPOSITORY,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(self, playbook: str, *arguments: str) -> int:
        """Run a playbook to its end and return how many tasks changed something."""
        process = self.start_play(playbook, *arguments)
        output, _unused = process.communicate(timeout=600)
        assert process.returncode == 0, output[-6000:]
        found = re.search(rf"^{NAME} .*changed=(\d+)", output, re.MULTILINE)
        assert found, output[-6000:]
        return int(found.group(1))

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        kubeconfig = self.state / NAME / "admin.kubeconfig"
        return subprocess.run(
            [TOOLS / "bin" / "kubectl", f"--kubeconfig={kubeconfig}", "--request-timeout=5s", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def pid(self, program: str) -> int:
        """Return the process of a program, 0 when none runs."""
        found = [one.pid for one in observe.family(self.names).programs if one.program == program]
        return found[0] if found else 0

    def container(self) -> str:
        """Return the pod's running container; one that was started anew has another name."""
        path = "--output=jsonpath={.status.containerStatuses[*].containerID}"
        done = self.kubectl("get", "pod", "sleeper", path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def works(self) -> bool:
        """Whether a new pod is scheduled, starts, gets an address and resolves a name."""
        self.kubectl("delete", "pod", "sleeper", "--grace-period=0", "--force", "--ignore-not-found")
        made = self.kubectl("apply", "-f", "-", stdin=json.dumps(SLEEPER))
        ready = made.returncode == 0 and self.kubectl(
            "wait", "--for=condition=Ready", "pod/sleeper", "--timeout=15s", "--request-timeout=20s"
        )
        if not ready or ready.returncode:
            return False
        name = "kubernetes.default.svc.cluster.local"
        return self.kubectl("exec", "sleeper", "--", "nslookup", name).returncode == 0


def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for a condition; its own duration paces the attempts."""
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit, f"{what} did not happen within {PATIENCE:g} s"
        time.sleep(0.2)


def kill_machine(subject: Subject) -> None:
    """Leave what a stopped machine leaves: every process gone at once, everything else as it was."""
    supervisor = int((subject.state / NAME / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    around = observe.family(subject.names)
    pids = {one.pid for one in (*around.programs, *around.shims)} | around.containers
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not observe.family(subject.names).alive, "the end of all processes")


def traces(subject: Subject) -> dict[str, Any]:
    """Return everything of the cluster that can be found on the machine."""
    names = subject.names
    around = observe.family(names)
    found = observe.leftovers(names, around).summary()
    if around.programs or around.shims or around.containers:
        found["processes"] = len(around.programs) + len(around.shims) + len(around.containers)
    if names.link in observe.links():
        found["link"] = names.link
    if names.root.exists():
        found["root"] = sorted(entry.name for entry in names.root.iterdir())
    return found


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    """Give a cluster that is not there yet, and leave nothing of it."""
    if os.geteuid() != 0 or not (TOOLS / "bin" / "kubelet").exists():
        pytest.skip("needs root and the tools (make site brings them)")
    state = Path(tempfile.mkdtemp(prefix="rf-", dir="/var/tmp"))
    found = Subject(state, embedded.network(embedded.names(state, NAME, INDEX)))
    try:
        yield found
    finally:
        found.play("cluster_reset")
        shutil.rmtree(state)


@pytest.fixture(scope="module")
def cluster(subject: Subject) -> Subject:
    """Give the cluster, running."""
    subject.play("cluster")
    return subject


def test_check_mode_on_an_empty_machine_writes_nothing(subject: Subject) -> None:
    assert subject.play("cluster", "--check", "--diff") > 0
    assert traces(subject) == {}
    assert list(subject.state.iterdir()) == []


@pytest.mark.parametrize("seconds", [1.5, 3.0, 4.5, 6.0, 8.0, 11.0])
def test_a_play_killed_on_its_way_is_finished_by_the_next(subject: Subject, seconds: float) -> None:
    subject.play("cluster_reset")
    process = subject.start_play("cluster")
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    subject.play("cluster")
    assert subject.works()


def test_a_second_run_changes_nothing(cluster: Subject) -> None:
    assert cluster.play("cluster") == 0
    assert cluster.play("cluster", "--check", "--diff") == 0


@pytest.mark.parametrize("place", range(len(CONTROL_PLANE) + len(NODE) + 2))
def test_a_killed_program_is_healed_without_a_run(cluster: Subject, place: int) -> None:
    if place >= len(cluster.programs):
        pytest.skip("this network has one program less")
    program = cluster.programs[place]
    pid = cluster.pid(program)
    assert pid, f"{program} does not run"
    os.kill(pid, signal.SIGKILL)

    until(lambda: cluster.pid(program) not in (0, pid), f"the restart of {program}")
    until(cluster.works, f"healing from the death of {program}")


def test_a_killed_supervisor_is_healed_below_the_pods(cluster: Subject) -> None:
    assert cluster.works()
    before = cluster.container()
    os.kill(int((cluster.state / NAME / "supervisord.pid").read_text()), signal.SIGKILL)

    assert cluster.play("cluster") > 0
    assert cluster.container() == before, "the pod was ended"
    until(cluster.works, "healing")
    assert cluster.play("cluster") == 0


def test_what_a_stopped_machine_leaves_is_cleared_and_its_data_kept(cluster: Subject) -> None:
    secret = ("create", "secret", "generic", "kept", "--from-literal=a=b", "--dry-run=client", "-o", "json")
    assert cluster.kubectl("apply", "-f", "-", stdin=cluster.kubectl(*secret).stdout).returncode == 0
    kill_machine(cluster)
    left = observe.leftovers(cluster.names, observe.family(cluster.names)).summary()
    # Without these the test would prove nothing.
    assert left["mounts"]
    assert left["links"]
    assert left["packet_rules"]

    assert cluster.play("cluster") > 0
    until(cluster.works, "healing")
    assert cluster.kubectl("get", "secret", "kept").returncode == 0
    mounts = observe.leftovers(cluster.names, observe.family(cluster.names)).mounts
    assert not set(mounts) & {mount for mount in left["mounts"] if "/pods/" in mount and "sleeper" in mount}


def test_stopping_leaves_nothing_but_the_data(cluster: Subject) -> None:
    cluster.play("cluster_stop")
    found = traces(cluster)
    assert set(found.pop("root")) >= {"data", "etc", "pki"}
    assert found == {}
    assert cluster.play("cluster_stop") == 0

    cluster.play("cluster_start")
    until(cluster.works, "a new start")


def test_another_cluster_on_the_same_ports_is_refused_by_name(cluster: Subject) -> None:
    twin = {"cluster_name": "twin", "cluster_node_enabled": False}
    process = cluster.start_play("cluster", "-e", json.dumps(twin))
    output, _unused = process.communicate(timeout=120)
    assert process.returncode != 0
    taken = r"Port \d+ \([^)]*\) is taken by [a-z-]+ \(process \d+\) of the cluster in "
    assert re.search(taken + re.escape(str(cluster.names.root)), " ".join(output.split()))
    assert not (cluster.state / "twin").exists()


def test_resetting_leaves_nothing(cluster: Subject) -> None:
    cluster.play("cluster_reset")
    assert traces(cluster) == {}
    assert cluster.play("cluster_reset") == 0
