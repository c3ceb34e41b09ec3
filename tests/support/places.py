# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API server with controllers, and a kubelet's stand-in for each namespace of a test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import outlook

from tests.rig import Rig
from tests.support.mounts_kubelet import Kubelet
from tests.support.rotating import Place


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """Start an API server with controllers."""
    with Rig(controllers=True) as started:
        yield started


@pytest.fixture
def client(rig: Rig) -> Client:
    """Return a client of the administrator."""
    return Client(Connection(str(rig.kubeconfig)), Redactor())


@pytest.fixture
def place(rig: Rig, client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Make a namespace whose pods run."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    client.call("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
    accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
    assert watching.until(client, accounts, "default", lambda found: found, 20)
    sick: set[str] = set()

    def healthy(pod: dict[str, Any]) -> bool:
        return pod["metadata"]["labels"].get("app") not in sick

    with Kubelet(rig, name, healthy=healthy) as kubelet:
        monkeypatch.setattr(outlook, "Shell", kubelet.shell)
        yield Place(rig, client, kubelet, name, sick)
