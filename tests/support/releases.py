# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: a control plane with real controllers, a kubelet that is played, and the two Helms."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.rig import Rig
from tests.support.helm import CHART
from tests.support.kubelet import Kubelet
from tests.support.programs import tool

POLICY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """Start an API server with controllers."""
    with Rig(controllers=True) as started:
        yield started


@pytest.fixture(scope="session")
def kubelet(rig: Rig) -> Iterator[Kubelet]:
    """Report on pods as a node would."""
    with Kubelet(str(rig.kubeconfig)) as started:
        yield started


@pytest.fixture
def client(rig: Rig) -> Client:
    """Return a client of the administrator."""
    return Client(Connection(str(rig.kubeconfig)), Redactor())


def namespace(client: Client) -> str:
    """Make a namespace that enforces and denies, whose ServiceAccount is there."""
    name = f"h-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    client.call("POST", "/api/v1/namespaces", body={"metadata": {"name": name, "labels": labels}})
    policies = f"/apis/networking.k8s.io/v1/namespaces/{name}/networkpolicies"
    client.call("POST", policies, body={"metadata": {"name": "nothing"}, "spec": POLICY})
    accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
    assert watching.until(client, accounts, "default", lambda found: found, 20)
    return name


@pytest.fixture
def space(client: Client, kubelet: Kubelet) -> str:
    """Make a namespace in which pods run."""
    return namespace(client)


@pytest.fixture(params=["helm", "helm4"])
def program(request: pytest.FixtureRequest) -> str:
    """Return one of the two Helms."""
    return str(tool(request.param))


@pytest.fixture
def arguments(rig: Rig, space: str, program: str) -> Callable[..., dict[str, Any]]:
    """Return the arguments of helm_deploy for one release."""

    def make(values: dict[str, Any] | None = None, chart: Any = CHART, **more: Any) -> dict[str, Any]:
        release = {
            "name": "probe",
            "namespace": space,
            "chart": str(chart),
            "values": {"image": "registry.local/a:1", **(values or {})},
        }
        return {
            "kubeconfig": str(rig.kubeconfig),
            "helm": program,
            "releases": [release],
            "timeout": 30,
            "on_failure": "rollback",
            **more,
        }

    return make
