# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An embedded cluster for one test or benchmark alone, and the collection's playbooks run on it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.support import embedded, plays
from tests.support.plays import Played


@dataclass(frozen=True, slots=True)
class OwnCluster:
    """A cluster that runs, by its name and its index on this machine."""

    name: str
    index: int
    state: Path
    cni: str

    @property
    def kubeconfig(self) -> Path:
        return self.state / self.name / "admin.kubeconfig"

    @property
    def image(self) -> str:
        """Name the image of the probes: a busybox."""
        return f"127.0.0.1:{5000 + 100 * self.index}/rampart/probe:1"

    def client(self, **settings: Any) -> Client:
        return Client(Connection(str(self.kubeconfig), **settings), Redactor())

    def try_play(self, playbook: str, *arguments: str, **variables: Any) -> Played:
        """Run a playbook to its end, whatever that is."""
        given = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "cluster_state_dir": str(self.state),
            "cluster_name": self.name,
            "cluster_index": self.index,
            "cluster_cni": self.cni,
            "cluster_stop_seconds": 1,
            "cluster_reset_confirm": True,
            **variables,
        }
        return plays.play(f"{self.name},", playbook, given, *arguments)

    def play(self, playbook: str, *arguments: str, **variables: Any) -> str:
        """Run a playbook, which has to succeed, and return what it said."""
        done = self.try_play(playbook, *arguments, **variables)
        if done.returncode:
            raise AssertionError(f"{playbook} failed: {done.stdout[-6000:]}{done.stderr[-2000:]}")
        return done.stdout


@contextmanager
def own_cluster(name: str, index: int) -> Iterator[OwnCluster]:
    """Bring a cluster up, with Cilium where no other one of the machine has it, and leave nothing of it."""
    # Sockets lie below it, so its path is short.
    state = Path(tempfile.mkdtemp(prefix="ro-", dir="/var/tmp"))
    found = OwnCluster(name, index, state, embedded.network(embedded.names(state, name, index)))
    try:
        found.play("cluster")
        yield found
    finally:
        found.play("cluster_reset")
        shutil.rmtree(state)
