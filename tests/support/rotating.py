# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A namespace on a real API server in which secrets are rotated, read back by requests of our own."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.rig import Rig
from tests.rig.modules import run_module
from tests.support.mounts_kubelet import Kubelet
from tests.support.rotation_model import deployment

PATIENCE = 30.0


def secret(name: str, *keys: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Declare a secret, a password when nothing else is said."""
    listed = list(
        keys or ({"name": "username", "generator": "constant", "text": "app"}, {"name": "password"})
    )
    return {"name": name, "secret_class": "database", "keys": listed, **more}


@dataclass(slots=True)
class Place:
    """One namespace."""

    rig: Rig
    client: Client
    kubelet: Kubelet
    name: str
    # Workloads whose new pods do not become ready.
    sick: set[str]

    def rotate(self, *secrets: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
        """Run the module."""
        declared = [{"namespace": self.name, **one} for one in secrets]
        arguments = {"kubeconfig": str(self.rig.kubeconfig), "secrets": declared, **options}
        return run_module("secret_rotate", arguments, check=check)

    def stored(self) -> dict[str, int]:
        """Return what a rotation could have written, with the revision of each last write."""
        kinds = ("secrets", "leases", "deployments", "controllerrevisions")
        places = tuple(f"/registry/{kind}/{self.name}/" for kind in kinds)
        return {key: revision for key, revision in self.rig.stored().items() if key.startswith(places)}

    def content(self, name: str) -> dict[str, bytes]:
        """Read a Secret."""
        found = self.client.get(f"/api/v1/namespaces/{self.name}/secrets/{name}")
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}

    def secrets(self) -> list[str]:
        """Name all Secrets."""
        items = self.client.list_all(f"/api/v1/namespaces/{self.name}/secrets")[0]
        return sorted(item["metadata"]["name"] for item in items)

    def deploy(self, name: str, *secrets: str, replicas: int = 2, **annotations: str) -> None:
        """Make a workload that mounts Secrets, and wait until it runs."""
        body = deployment(name, {one: one for one in secrets}, replicas)
        body["metadata"]["annotations"] = {f"rampart.k8s/{key}": text for key, text in annotations.items()}
        self.client.call("POST", f"/apis/apps/v1/namespaces/{self.name}/deployments", body=body)
        deadline = time.monotonic() + PATIENCE
        while self.deployment(name).get("status", {}).get("readyReplicas") != replicas:
            assert time.monotonic() < deadline, f"{name} does not run"
            time.sleep(0.05)

    def deployment(self, name: str) -> dict[str, Any]:
        """Read a workload."""
        return self.client.get(f"/apis/apps/v1/namespaces/{self.name}/deployments/{name}")

    def held(self, workload: str, secret: str) -> list[dict[str, bytes]]:
        """Return what the pods of a workload hold of a Secret."""
        pods = self.client.list_all(
            f"/api/v1/namespaces/{self.name}/pods", query={"labelSelector": f"app={workload}"}
        )[0]
        return [self.kubelet.held[pod["metadata"]["name"]][secret] for pod in pods]
