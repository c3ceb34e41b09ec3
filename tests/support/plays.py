# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs playbooks of the collection as a person would, without the settings of this session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 900

Played = subprocess.CompletedProcess[str]


def start(
    inventory: str,
    playbook: str,
    variables: Mapping[str, Any],
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start a playbook."""
    argv = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        f"--inventory={inventory}",
        f"--extra-vars={json.dumps(variables)}",
        f"playbooks/{playbook}.yml",
        *arguments,
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        env={**kept, "ANSIBLE_NOCOLOR": "1", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Played:
    """Wait for its end and return what it said."""
    with process:
        try:
            stdout, stderr = process.communicate(timeout=TIMEOUT)
        except BaseException:
            process.kill()
            raise
    return Played(process.args, process.returncode, stdout, stderr)


def play(inventory: str, playbook: str, variables: Mapping[str, Any], *arguments: str) -> Played:
    """Run a playbook to its end, whatever that is."""
    return finish(start(inventory, playbook, variables, *arguments))
