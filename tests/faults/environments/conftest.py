# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API server, and the environments' playbook run against it as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.rig import Rig

ROOT = Path(__file__).parents[3]

Play = Callable[..., subprocess.CompletedProcess[str]]


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
    """Return the name of an environment that no other test uses."""
    return f"e-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def play(rig: Rig, name: str, tmp_path: Path) -> Play:
    """Run playbooks/environments.yml for one environment with this name."""

    def run(*arguments: str, own: dict[str, Any] | None = None, **variables: Any) -> Any:
        given = {
            "ansible_python_interpreter": sys.executable,
            "cluster_kubeconfig": str(rig.kubeconfig),
            "rampart_environments": {name: own or {}},
            **variables,
        }
        path = tmp_path / "variables.json"
        path.write_text(json.dumps(given))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "local,", "-c", "local"]
        return subprocess.run(
            [*command, "-e", f"@{path}", *arguments, str(ROOT / "playbooks/environments.yml")],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
