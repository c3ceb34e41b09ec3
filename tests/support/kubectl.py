# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a cluster by kubectl, past the collection."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.programs import tool

SECONDS = 120


def run(kubeconfig: Path, *arguments: str) -> str:
    """Return what kubectl printed; a failure of it ends the test."""
    argv = [str(tool("kubectl")), f"--kubeconfig={kubeconfig}", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout


def ask(kubeconfig: Path, *arguments: str) -> Any:
    """Return what kubectl answers as data."""
    return json.loads(run(kubeconfig, *arguments, "--output=json"))
