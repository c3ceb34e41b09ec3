# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Has everything in a cluster trust what a bundle of certificates holds, before the next one signs.

The bundle comes to pods by the ConfigMap ``kube-root-ca.crt`` of their namespace and by the kubelet. A
program that reads the file once goes on with what it has read, so its workload is rolled out anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.target import Target
from ansible_collections.rampart.k8s.plugins.module_utils._kube.waiting import Waiter

CONFIG_MAP = "kube-root-ca.crt"
FILE = "ca.crt"
# On the template of pods: which bundle was there when they were started.
TRUSTS = "rampart.k8s/trusts"

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
FINISHED = ("Succeeded", "Failed")
# Where the kubelet puts what is projected into a pod, below the folder of all pods.
PROJECTED = "volumes/kubernetes.io~projected"

LOOK_SECONDS = 1.0
NAMED = 10

Object = Mapping[str, Any]


def mark_of(bundle: bytes) -> str:
    """Return a short name for a bundle; certificates are public."""
    return hashlib.sha256(bundle).hexdigest()[:16]


def reads_bundle(pod: Object) -> bool:
    """Tell whether a pod has the bundle mounted."""
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
        if any((source.get("configMap") or {}).get("name") == CONFIG_MAP for source in sources):
            return True
    return False


def controller(thing: Object) -> Ref | None:
    """Return what controls an object."""
    metadata = thing["metadata"]
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return Ref(owner["apiVersion"], owner["kind"], metadata.get("namespace"), owner["name"])
    return None


@dataclass(frozen=True, slots=True)
class Readers:
    """Who has the bundle mounted."""

    pods: tuple[Object, ...]
    # Whose pods can be started anew by a rollout, with the bundle that they were started with.
    workloads: Mapping[Ref, str]
    # Nobody starts these anew: they go on with what they have read, unless they read the file again.
    others: tuple[str, ...]


def readers(pods: Iterable[Object], replica_sets: Iterable[Object], workloads: Iterable[Object]) -> Readers:
    """Find out who reads the bundle."""
    above = {Ref("apps/v1", "ReplicaSet", *_place(item)): controller(item) for item in replica_sets}
    marks = {
        Ref("apps/v1", item["kind"], *_place(item)): str(
            (item["spec"]["template"]["metadata"].get("annotations") or {}).get(TRUSTS, "")
        )
        for item in workloads
    }
    listed = tuple(
        pod for pod in pods if reads_bundle(pod) and (pod.get("status") or {}).get("phase") not in FINISHED
    )
    found, others = {}, []
    for pod in listed:
        owner = controller(pod)
        owner = above.get(owner, owner) if owner else None
        if owner in marks:
            found[owner] = marks[owner]
        else:
            others.append("/".join(map(str, _place(pod))))
    return Readers(listed, found, tuple(sorted(others)))


def _place(thing: Object) -> tuple[str, str]:
    return str(thing["metadata"]["namespace"]), str(thing["metadata"]["name"])


class ClusterTrust:
    """The operation behind the module cluster_trust."""

    def __init__(
        self,
        client: Client,
        bundle: bytes,
        volumes_dir: Path | None,
        progress: Progress,
        *,
        restart: bool,
        check_mode: bool,
        timeout: float,
    ) -> None:
        self._client = client
        self._bundle = bundle
        self._volumes_dir = volumes_dir
        self._progress = progress
        self._restart = restart
        self._check_mode = check_mode
        self._timeout = timeout

    def plan(self) -> Plan:
        """Wait until the bundle is everywhere, then say which workloads are to be started anew."""
        deadline = time.monotonic() + self._timeout
        self._client.transport.extend(self._timeout)
        namespaces = 0
        if not self._check_mode:
            namespaces = self._await_config_maps(deadline)
        found = self._readers()
        if not self._check_mode and self._volumes_dir is not None:
            self._await_volumes(found, deadline)
        mark = mark_of(self._bundle)
        stale = [ref for ref, seen in found.workloads.items() if seen != mark] if self._restart else []
        named = sorted(map(str, stale))
        return Plan(
            bool(stale),
            f"started before they could trust it: {', '.join(named)}" if named else "everybody can trust it",
            dict.fromkeys(named, "started with another bundle"),
            dict.fromkeys(named, f"started with the bundle {mark}"),
            {
                "restarted": [ref.as_result() for ref in sorted(stale)],
                "not_restarted": list(found.others),
                "namespaces": namespaces,
                "readers": len(found.pods),
            },
        )

    def apply(self, plan: Plan) -> Plan:
        """Roll these workloads out anew, and wait until all are ready."""
        discovery = Discovery(self._client)
        refs = [
            Ref("apps/v1", item["kind"], item["namespace"], item["name"]) for item in plan.result["restarted"]
        ]
        targets = [Target(ref, discovery.require(ref.api_version, ref.kind)) for ref in refs]
        annotations = {"annotations": {TRUSTS: mark_of(self._bundle)}}
        body = {"spec": {"template": {"metadata": annotations}}}
        for target in targets:
            failpoint("restart-workload")
            path = target.resource.path(target.ref)
            self._client.call("PATCH", path, body=body, content_type=MERGE, target=str(target.ref))
        Waiter(self._client, self._progress).run(targets, self._timeout)
        return plan

    def _readers(self) -> Readers:
        pods, replica_sets, *workloads = self._client.map(
            lambda path: self._client.list_all(path)[0],
            [
                "/api/v1/pods",
                "/apis/apps/v1/replicasets",
                *(f"/apis/apps/v1/{kind.lower()}s" for kind in WORKLOADS),
            ],
        )
        # Items of a list do not say of which kind they are.
        named = [
            {**item, "kind": kind} for kind, items in zip(WORKLOADS, workloads, strict=True) for item in items
        ]
        return readers(pods, replica_sets, named)

    def _await_config_maps(self, deadline: float) -> int:
        """Follow the ConfigMaps until each holds the bundle; return how many there are."""
        wanted = self._bundle.decode("ascii")
        seen: dict[str, str] = {}
        query = {"fieldSelector": f"metadata.name={CONFIG_MAP}"}
        for event in watching.follow(self._client, "/api/v1/configmaps", query, deadline):
            if event.type == "LIST":
                seen.clear()
            for item in event.objects:
                namespace = item["metadata"]["namespace"]
                seen[namespace] = str((item.get("data") or {}).get(FILE, ""))
                if event.type == "DELETED":
                    del seen[namespace]
            lagging = [namespace for namespace, content in seen.items() if content != wanted]
            if seen and not lagging:
                return len(seen)
            self._progress.say(f"{len(lagging)} of {len(seen)} namespaces do not have the bundle yet")
        raise self._late("namespaces", [name for name, content in seen.items() if content != wanted])

    def _await_volumes(self, found: Readers, deadline: float) -> None:
        """Look at the files that the kubelet keeps for the pods of this machine."""
        waiting = list(found.pods)
        while waiting := [pod for pod in waiting if any(self._outdated(pod))]:
            if time.monotonic() > deadline:
                raise self._late("pods", ["/".join(_place(pod)) for pod in waiting])
            time.sleep(LOOK_SECONDS)

    def _outdated(self, pod: Object) -> Iterator[bool]:
        """Yield for each file of a pod whether it is not the bundle; one that is gone needs none."""
        folder = Path(str(self._volumes_dir), str(pod["metadata"]["uid"]), PROJECTED)
        for file in folder.glob(f"*/{FILE}"):
            try:
                yield file.read_bytes() != self._bundle
            except OSError:
                continue

    def _late(self, what: str, names: list[str]) -> RampartError:
        more = f" (and {len(names) - NAMED} more)" if names[NAMED:] else ""
        return RampartError(
            f"{len(names)} {what} do not have the bundle after {self._timeout:g} s: "
            f"{', '.join(sorted(names)[:NAMED])}{more}. Nothing was started anew.",
            next_step="look whether kube-controller-manager and the kubelets run with the new file, then run "
            "again",
            waiting=sorted(names),
        )
