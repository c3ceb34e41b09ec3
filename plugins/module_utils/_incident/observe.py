# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads what stands around a pod; sends nothing but reads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._incident import names
from ansible_collections.rampart.k8s.plugins.module_utils._incident.case import Ask, Case, Seen
from ansible_collections.rampart.k8s.plugins.module_utils._incident.folder import Folder
from ansible_collections.rampart.k8s.plugins.module_utils._incident.undo import Record
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS

Live = Mapping[str, Any]
CILIUM = "/apis/cilium.io/v2"
_KINDS = {kind.kind: kind for kind in KINDS}


def endpoints_path(namespace: str, name: str = "") -> str:
    """Return where Cilium says how it sees pods."""
    return f"{CILIUM}/namespaces/{namespace}/ciliumendpoints" + (f"/{name}" if name else "")


def denying_path(namespace: str, name: str = "") -> str:
    """Return where Cilium's policies are."""
    return f"{CILIUM}/namespaces/{namespace}/ciliumnetworkpolicies" + (f"/{name}" if name else "")


class Observer:
    """Reads each pod's surroundings once."""

    def __init__(self, client: Client, folder: str) -> None:
        self._client = client
        self._folder = folder
        served = client.find(CILIUM, target="API group cilium.io/v2") or {}
        self._cilium = any(one["name"] == "ciliumnetworkpolicies" for one in served.get("resources") or [])

    def case(self, ask: Ask) -> Case:
        """Look at everything that decides."""
        find, space, name = self._client.find, ask.namespace, names.policy(ask.incident)
        if find(f"/api/v1/namespaces/{space}", target=f"Namespace {space}") is None:
            raise RampartError(
                f"There is no namespace {space}, so no pod {ask.pod} in it. Nothing was touched.",
                next_step="correct the namespace",
            )
        folder = Folder(self._folder, ask.incident)
        pod = find(names.pod_path(space, ask.pod), target=f"Pod {space}/{ask.pod}")
        quarantine = find(names.policies_path(space, name), target=f"NetworkPolicy {space}/{name}")
        noted = bool(folder.noted())
        if pod is None:
            return Case(ask, Seen(int(time.time()), None, quarantine=quarantine, noted=noted))
        workload, item = self._workload(pod, quarantine)
        account = str(pod["spec"].get("serviceAccountName") or "default")
        everything = self._client.list_all
        policies, _version = everything(names.policies_path(space), target=f"the policies of {space}")
        services, _version = everything(
            f"/api/v1/namespaces/{space}/services", target=f"the Services of {space}"
        )
        return Case(
            ask,
            Seen(
                int(time.time()),
                pod,
                workload,
                item,
                services,
                policies,
                quarantine,
                find(names.jobs_path(name), target=f"Job {names.NAMESPACE}/{name}"),
                find(names.accounts_path(space, account), target=f"ServiceAccount {space}/{account}"),
                find(denying_path(space, name)) if self._cilium else None,
                self._cilium,
                find(endpoints_path(space, ask.pod)) if self._cilium else None,
                folder.manifest(),
                noted,
            ),
        )

    def _workload(self, pod: Live, quarantine: Live | None) -> tuple[str, Live | None]:
        """Return the topmost owner; a pod that was taken out of it has none, but its record names it."""
        space = pod["metadata"]["namespace"]
        found: Live = pod
        name = ""
        while owner := _controller(found):
            kind = _KINDS.get(owner["kind"])
            if kind is None:
                break
            above = self._client.find(kind.path(space, owner["name"]))
            if above is None or above["metadata"]["uid"] != owner["uid"]:
                break
            found, name = above, f"{kind.kind}/{owner['name']}"
        if name:
            return name, found
        if quarantine is not None:
            kind_name, _slash, own = Record.of(quarantine).workload.partition("/")
            if kind_name:
                return f"{kind_name}/{own}", self._client.find(_KINDS[kind_name].path(space, own))
        return "", None


def _controller(item: Live) -> Mapping[str, Any] | None:
    owners = item["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)
