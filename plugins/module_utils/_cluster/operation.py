# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Makes the host ready for a cluster, ends its pods, or removes all that it made."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cluster import host, observe, users
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.names import Cluster
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.sweep import end_pods, sweep
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import TEMPORARY_PREFIX
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan

# All that a cluster keeps at the top of its folder.
ROOT_ENTRIES = frozenset(
    {
        "admin.kubeconfig",
        "data",
        "encryption",
        "etc",
        "etcd",
        "kyverno",
        "logs",
        "pki",
        "run",
        "super-admin.kubeconfig",
        "supervisor.sock",
        "supervisord.conf",
        "supervisord.log",
        "supervisord.pid",
        host.MEMORY_FILE,
    }
)


@dataclass(frozen=True, slots=True)
class ClusterHost:
    """The host's part of one cluster."""

    cluster: Cluster
    wanted: host.Wanted
    state: str
    stop_seconds: int

    def plan(self) -> Plan:
        """Look at the host and decide."""
        self._check_root()
        around = observe.family(self.cluster)
        if self.state == "present":
            return self._plan_present(around)
        return self._plan_gone(around)

    def _plan_present(self, around: observe.Family) -> Plan:
        # While anything lives its mounts, links and rules are in use. A program that died is started
        # again beside them and takes them over.
        left = observe.Leftovers() if around.alive else self._leftovers(around)
        host.check_alone(self.wanted, around)
        host.check_endpoints(self.wanted, around)
        host.check_ranges(self.cluster, self.wanted)
        missing = host.gap(self.cluster, self.wanted)
        before, after = left.summary(), missing.summary(self.cluster, self.wanted)
        reasons = []
        if before:
            reasons.append(f"a stopped cluster left {_count(before)}")
        if after:
            reasons.append(f"the host lacks {', '.join(after)}")
        return Plan(
            changed=bool(before or after),
            reason="; ".join(reasons) or "the host is ready",
            before=before,
            after=after,
            result={"swept": before, "egress_link": observe.egress_link(), "refused_settings": []},
        )

    def _plan_gone(self, around: observe.Family) -> Plan:
        before = self._leftovers(around).summary()
        if around.shims or around.containers:
            before["processes"] = len(around.shims) + len(around.containers)
        if self.cluster.link in observe.links():
            before["link"] = self.cluster.link
        if self.state == "absent":
            before |= host.to_restore(self.cluster, around)
            if going := users.removable(self.wanted.users):
                before["users"] = going
            if self.cluster.root.exists():
                before["root"] = str(self.cluster.root)
        return Plan(
            changed=bool(before),
            reason=f"the cluster has {_count(before)}" if before else "nothing of the cluster is left",
            before=before,
            result={"swept": before, "egress_link": "", "refused_settings": []},
        )

    def _check_root(self) -> None:
        """Refuse a folder that holds more than a cluster: with state absent all of it goes."""
        root = self.cluster.root
        if self.state != "absent" or not root.exists():
            return
        strange = [
            entry.name
            for entry in sorted(root.iterdir())
            if entry.name not in ROOT_ENTRIES and not entry.name.startswith(TEMPORARY_PREFIX)
        ]
        if strange:
            raise RampartError(
                f"{root} holds {', '.join(strange)}, which no cluster has made; nothing was removed.",
                next_step="check cluster_state_dir and cluster_name, or move these away",
                path=str(root),
            )

    def _remove_root(self) -> None:
        left = observe.leftovers(self.cluster, observe.family(self.cluster)).mounts
        if left:
            raise RampartError(
                f"{', '.join(left)} could not be unmounted, so the data below it was not removed.",
                next_step="end what uses it, then run again",
                mounts=left,
            )
        if self.cluster.root.exists():
            shutil.rmtree(self.cluster.root)

    def _leftovers(self, around: observe.Family) -> observe.Leftovers:
        left = observe.leftovers(self.cluster, around)
        if self.state == "present":
            # They are needed again at once, and an empty one is no leftover.
            kept = [folder for folder in left.cgroups if any(entry.is_dir() for entry in folder.iterdir())]
            return dataclasses.replace(left, cgroups=kept)
        return left

    def apply(self, plan: Plan) -> Plan:
        """Do it. Everything is looked at again, since ending pods changes what is left."""
        around = observe.family(self.cluster)
        if self.state == "present":
            # Not while planning: in check mode a run before this one would have installed them.
            host.check_commands(self.wanted)
            if not around.alive:
                end_pods(around, 0)
                sweep(self._leftovers(around))
            missing = host.gap(self.cluster, self.wanted)
            refused = host.fill(self.cluster, self.wanted, missing)
            return dataclasses.replace(plan, result={**plan.result, "refused_settings": refused})
        if around.programs:
            names = ", ".join(sorted({process.program for process in around.programs}))
            raise RampartError(
                f"{names} of the cluster in {self.cluster.root} still run; pods are ended after them.",
                next_step="stop them first (rampart.k8s.supervised_programs with state stopped)",
            )
        end_pods(around, self.stop_seconds)
        sweep(observe.leftovers(self.cluster, around))
        host.remove_link(self.cluster)
        if self.state == "absent":
            host.restore(host.to_restore(self.cluster, around))
            users.remove(users.removable(self.wanted.users))
            self._remove_root()
        return plan


def _count(things: dict[str, Any]) -> str:
    sized = [
        f"{len(value) if isinstance(value, list | dict) else value} {kind}" for kind, value in things.items()
    ]
    return ", ".join(entry.replace("_", " ") for entry in sized)
