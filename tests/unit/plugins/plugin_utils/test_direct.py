# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.rampart.k8s.plugins.action.manifest_apply import ActionModule
from ansible_collections.rampart.k8s.plugins.plugin_utils import direct

ARGUMENTS = {"evidence_dir": "/nowhere/at all", "_ansible_check_mode": True, "_ansible_no_log": False}


def run(program: bytes, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable], input=program, capture_output=True, check=False, cwd=folder, env={"LANG": "C.UTF-8"}
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_module_runs_from_where_it_lies(tmp_path: Path) -> None:
    answer = run(direct.program("evidence_info", ARGUMENTS), tmp_path)
    assert answer["reason"] == "There is no evidence in /nowhere/at all yet."
    assert answer["chain"]["records"] == 0


def test_a_failure_is_a_failure(tmp_path: Path) -> None:
    answer = run(direct.program("evidence_info", {**ARGUMENTS, "_ansible_check_mode": False}), tmp_path)
    assert answer["failed"]
    assert "cannot be opened" in answer["msg"]


def test_nothing_is_imported_from_the_folder_that_somebody_is_in(tmp_path: Path) -> None:
    for name in ("runpy", "types", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the working folder')\n")
    assert "no evidence" in run(direct.program("evidence_info", ARGUMENTS), tmp_path)["reason"]


def action(**changes: Any) -> ActionModule:
    """Return an action as the executor would make it, for a task on this machine."""
    connection = {"ansible_name": "ansible.builtin.local", "become": None, **changes.get("connection", {})}
    pipelining = changes.get("pipelining", True)
    connection["is_pipelining_enabled"] = lambda wrap_async: pipelining and not wrap_async
    task = SimpleNamespace(async_val=changes.get("async_val", 0))
    made = ActionModule.__new__(ActionModule)
    made._connection = SimpleNamespace(**connection)
    made._task = task
    made._templar = SimpleNamespace(template=lambda text: text.replace("{{ here }}", sys.executable))
    return made


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> object:
    """What Ansible would have sent."""
    marker = object()
    monkeypatch.setattr(ActionBase, "_configure_module", lambda *_unused: (marker, "packed"))
    return marker


@pytest.mark.parametrize("interpreter", [sys.executable, "{{ here }}"])
def test_on_this_machine_nothing_is_packed(packed: object, interpreter: str) -> None:
    made = action()
    built, path = made._configure_module(
        "rampart.k8s.evidence_info", dict(ARGUMENTS), {"ansible_python_interpreter": interpreter}
    )
    assert built is not packed
    assert built.module_style == "new"
    assert built.shebang == f"#!{sys.executable}"
    assert Path(path).is_file()


def test_it_is_led_to_the_server_through_a_pipe_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(direct, "_led_by", [tmp_path])
    for pipelining, shebang in ((True, f"#!{tmp_path}/evidence_info"), (False, f"#!{sys.executable}")):
        variables = {"ansible_python_interpreter": sys.executable}
        made = action(pipelining=pipelining)
        built, _path = made._configure_module("rampart.k8s.evidence_info", dict(ARGUMENTS), variables)
        assert built.shebang == shebang


@pytest.mark.parametrize(
    ("module", "interpreter", "changes"),
    [
        ("ansible.builtin.command", sys.executable, {}),
        ("rampart.k8s.evidence_info", "/usr/bin/python3-of-another-machine", {}),
        ("rampart.k8s.evidence_info", None, {}),
        (
            "rampart.k8s.evidence_info",
            sys.executable,
            {"connection": {"ansible_name": "ansible.builtin.ssh"}},
        ),
        ("rampart.k8s.evidence_info", sys.executable, {"connection": {"become": object()}}),
        ("rampart.k8s.evidence_info", sys.executable, {"async_val": 60}),
    ],
)
def test_everything_else_is_packed_as_ever(
    packed: object, module: str, interpreter: str | None, changes: dict[str, Any]
) -> None:
    variables = {"ansible_python_interpreter": interpreter} if interpreter else {}
    assert action(**changes)._configure_module(module, dict(ARGUMENTS), variables)[0] is packed
