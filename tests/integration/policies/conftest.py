# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API server for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._verify.objects import NAMESPACE

from tests.rig import Rig


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    """Start an API server with the environments' namespaces, and return its administrator's way in."""
    with Rig() as started:
        client = Client(Connection(str(started.kubeconfig)), Redactor())
        for name in ("dev", "staging", "prod", NAMESPACE):
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            client.call("POST", "/api/v1/namespaces", body=body)
        yield started.kubeconfig


@pytest.fixture(scope="module")
def client(kubeconfig: Path) -> Client:
    return Client(Connection(str(kubeconfig), api_timeout=1200), Redactor())
