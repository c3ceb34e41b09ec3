# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API server for all fault cases of a session."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.rig import Rig


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """Start an API server without controllers."""
    with Rig() as started:
        yield started


@pytest.fixture
def client(rig: Rig) -> Client:
    """Return a client of the administrator."""
    return Client(Connection(str(rig.kubeconfig)), Redactor())


@pytest.fixture
def name() -> str:
    """Return a name that no other test uses."""
    return f"t-{uuid.uuid4().hex[:8]}"
