# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runtime that asks for no capability that this machine withholds, run with a runc that reports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Template

ROOT = Path(__file__).resolve().parents[4]
TEMPLATE = ROOT / "roles" / "cluster" / "templates" / "minikube" / "runc.py.j2"


@pytest.fixture
def wrapper(tmp_path: Path) -> Path:
    (tmp_path / "runc").write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    (tmp_path / "runc").chmod(0o755)
    text = Template(TEMPLATE.read_text(encoding="utf-8")).render(
        ansible_playbook_python=sys.executable, __cluster_bin=str(tmp_path)
    )
    program = tmp_path / "wrapper"
    program.write_text(text)
    program.chmod(0o755)
    return program


def call(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def granted_chown() -> list[str]:
    status = Path("/proc/self/status").read_text()
    mask = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))
    return ["CAP_CHOWN"] if mask & 1 else []


def test_a_container_is_created_without_what_cannot_be_granted(wrapper: Path, tmp_path: Path) -> None:
    config = {
        "process": {"args": ["sh"], "capabilities": {"bounding": ["CAP_CHOWN", "CAP_UNHEARD_OF"]}},
        "root": {},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = call(wrapper, "--root", "/run/x", "create", "--bundle", str(tmp_path), "name")
    assert done.stdout == f"--root /run/x create --bundle {tmp_path} name\n"
    # runc's own exit code is the answer.
    assert done.returncode == 7
    after = json.loads((tmp_path / "config.json").read_text())
    assert after["process"]["capabilities"] == {"bounding": granted_chown()}
    assert after["process"]["args"] == ["sh"]


def test_a_command_in_a_container_is_run_without_it_too(wrapper: Path, tmp_path: Path) -> None:
    process = tmp_path / "process.json"
    process.write_text(json.dumps({"args": ["ls"], "capabilities": {"effective": ["CAP_UNHEARD_OF"]}}))
    assert call(wrapper, "exec", "--process", str(process), "name").returncode == 7
    assert json.loads(process.read_text())["capabilities"] == {"effective": []}


def test_everything_else_is_passed_on_as_it_is(wrapper: Path) -> None:
    assert call(wrapper, "state", "name with a space").stdout == "state name with a space\n"
