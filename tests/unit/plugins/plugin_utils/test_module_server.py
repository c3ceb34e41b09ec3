# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real server and its real clients."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.plugin_utils import direct

SECONDS = 20.0
ARGUMENTS = {"evidence_dir": "/nowhere/at all", "_ansible_check_mode": True, "_ansible_no_log": False}
WHO = """\
import json, os, sys
print(json.dumps({
    "pid": os.getpid(), "session": os.getsid(0), "folder": os.getcwd(), "environment": dict(os.environ),
    "ready": "ansible.module_utils.basic" in sys.modules, "optimized": sys.flags.optimize,
    "open": sorted(os.listdir("/proc/self/fd")),
}))
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, below a folder whose path is short enough for a socket."""
    monkeypatch.setattr(direct, "_led_by", [])
    with tempfile.TemporaryDirectory(prefix="rm-") as base:
        started = direct.start_server(Path(base) / "modules")
        assert started
        assert started.stdin
        yield started
        started.stdin.close()
        started.wait(SECONDS)


def start(program: str | bytes, module: str = "evidence_info", **options: Any) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [direct.interpreter(module)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    assert process.stdin
    process.stdin.write(program.encode() if isinstance(program, str) else program)
    process.stdin.close()
    process.stdin = None
    return process


def who(**options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(start(WHO, **options).communicate(timeout=SECONDS)[0])
    return answer


@pytest.mark.usefixtures("server")
def test_a_module_answers_as_one_of_its_own(tmp_path: Path) -> None:
    program = direct.program("evidence_info", ARGUMENTS)
    alone = subprocess.run([sys.executable], input=program, capture_output=True, check=True, cwd=tmp_path)
    for _call in range(2):
        process = start(program, cwd=tmp_path)
        output, errors = process.communicate(timeout=SECONDS)
        assert (process.returncode, output, errors) == (0, alone.stdout, alone.stderr)


def test_it_is_a_process_of_its_own_with_what_its_client_was_given(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    environment = {**os.environ, "WORDS": "two words\n=", "EMPTY": ""}
    environment.pop("USER", None)
    seen = who(cwd=tmp_path, env=environment)
    assert seen["ready"]
    assert seen["folder"] == str(tmp_path)
    assert seen["environment"] == environment
    assert seen["pid"] not in {server.pid, os.getpid()}
    assert seen["session"] == seen["pid"]
    # Its three streams, and the one by which it lists them.
    assert seen["open"] == ["0", "1", "2", "3"]
    assert who()["pid"] != seen["pid"]


@pytest.mark.usefixtures("server")
def test_another_python_is_another_python() -> None:
    seen = who(env={**os.environ, "PYTHONOPTIMIZE": "1"})
    assert seen["optimized"]
    assert not seen["ready"]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("raise SystemExit(7)", 7),
        ("raise ValueError('no')", 1),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", 137),
    ],
)
def test_it_ends_as_the_module_does(program: str, code: int) -> None:
    process = start(program)
    errors = process.communicate(timeout=SECONDS)[1].decode()
    assert process.returncode == code
    assert ("ValueError: no" in errors) == (code == 1)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_client_that_is_ended_ends_its_module(number: int, tmp_path: Path) -> None:
    mark = tmp_path / "ended"
    program = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(mark)!r}).touch(), sys.exit()))\n"
        "print('begun', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = start(program)
    assert process.stdout
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(number)
    ends = time.monotonic() + SECONDS
    while not mark.exists():
        assert time.monotonic() < ends
        time.sleep(0.01)
    process.communicate(timeout=SECONDS)
    # The server goes on.
    assert who()["ready"]


@pytest.mark.usefixtures("server")
def test_a_module_that_cannot_be_imported_says_so_itself() -> None:
    process = start(direct.program("no_such_module", {}), "no_such_module")
    errors = process.communicate(timeout=SECONDS)[1].decode()
    assert process.returncode == 1
    assert "no_such_module" in errors


def test_without_a_server_its_client_is_python(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait(SECONDS)
    assert not who()["ready"]


def test_a_module_whose_server_was_ended_has_no_answer(server: subprocess.Popen[bytes]) -> None:
    process = start("print('begun', flush=True)\nimport time\ntime.sleep(0.5)")
    assert process.stdout
    assert process.stdout.readline() == b"begun\n"
    server.kill()
    errors = process.communicate(timeout=SECONDS)[1].decode()
    assert process.returncode == 1
    assert "ended before the module did" in errors


def test_none_is_started_that_could_not_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(direct, "_led_by", [])
    assert direct.start_server(tmp_path / ("long" * 30)) is None
    monkeypatch.setattr(sys, "executable", "/a folder/python")
    assert direct.start_server(tmp_path / "modules") is None
    monkeypatch.undo()
    assert direct.interpreter("evidence_info") == sys.executable
