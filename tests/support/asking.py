# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a cluster by kubectl and Helm, past the collection."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.programs import tool

SECONDS = 120


def run(program: str, kubeconfig: Path, *arguments: str) -> str:
    """Return what a program printed; a failure of it ends the test."""
    argv = [str(tool(program)), f"--kubeconfig={kubeconfig}", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout


def kubectl(kubeconfig: Path, *arguments: str) -> Any:
    """Return what kubectl answers as data."""
    return json.loads(run("kubectl", kubeconfig, *arguments, "--output=json"))


def helm(kubeconfig: Path, *arguments: str) -> Any:
    """Return what Helm answers as data."""
    return json.loads(run("helm", kubeconfig, *arguments, "--output=json"))
