# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clean checkouts of this repository, and commands that run in them without the settings of this session."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TIMEOUT = 300


def run(argv: list[str], *, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the virtual environment."""
    return subprocess.run(
        [str(BIN / argv[0]), *argv[1:]],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Leave out every setting of this session; a home of its own keeps the person's settings out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    home.mkdir(parents=True)
    return {**kept, "HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", **more}


def clone(target: Path) -> Path:
    """Clone this repository: what is not committed does not exist for a user."""
    subprocess.run(
        ["git", "clone", "--quiet", "--no-local", str(ROOT), str(target)], check=True, timeout=TIMEOUT
    )
    return target


def requirements(project: Path, base: Path) -> dict[str, str]:
    """Install what a project wants, as AWX does; return the environment of its jobs."""
    collections = base / "requirements_collections"
    # AWX puts its own folders around what the project's ansible.cfg says.
    paths = f"{collections}:./collections:~/.ansible/collections:/usr/share/ansible/collections"
    environment = clean_environment(base / "home", ANSIBLE_COLLECTIONS_PATH=paths)
    wanted = ["-r", "collections/requirements.yml", "-p", str(collections)]
    done = run(["ansible-galaxy", "collection", "install", *wanted], cwd=project, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return environment
