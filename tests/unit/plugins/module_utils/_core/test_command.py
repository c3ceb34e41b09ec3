# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor

# A shell that starts a grandchild which ignores SIGTERM, tells its process id, and waits for it.
STUBBORN = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
child.stdout.readline()
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(60)
"""


def gone(pid: int) -> bool:
    """Say whether a process has ended; one that only awaits its reaper has."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_output_and_code_come_back() -> None:
    done = Cli("sh").run("-c", "echo out; echo err >&2; exit 3", accept=(0, 3))
    assert (done.rc, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_an_unaccepted_code_is_an_error_with_what_the_tool_said() -> None:
    with pytest.raises(RampartError, match=r"failed with code 4: no such chart") as caught:
        Cli("sh").run("-c", "echo no such chart >&2; exit 4")
    assert caught.value.details["rc"] == 4


def test_an_open_file_is_read_by_the_tool_itself(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"not text: \xff")
    with source.open("rb") as stream:
        done = Cli("wc").run("--bytes", stdin=stream)
    assert done.stdout == "11\n"


def test_a_missing_tool_is_named() -> None:
    with pytest.raises(RampartError, match="Could not start no-such-tool") as caught:
        Cli("no-such-tool").run()
    assert "install it" in caught.value.next_step


def test_a_timeout_ends_grandchildren_that_ignore_the_signal(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    started = time.monotonic()
    with pytest.raises(RampartError, match=r"still running after 1\.5 s"):
        Cli(sys.executable).run("-c", STUBBORN, str(note), timeout=1.5)
    assert time.monotonic() - started < 10
    pid = int(note.read_text())
    deadline = time.monotonic() + 5
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert gone(pid)


def test_a_secret_on_standard_input_is_in_no_argument_and_no_environment() -> None:
    done = Cli("sh").run("-c", "tr '\\0' '\\n' < /proc/$$/cmdline; env; wc -c", stdin="correct-horse")
    assert "correct-horse" not in done.stdout
    assert done.stdout.splitlines()[-1].strip() == "13"


def test_secrets_are_masked_in_errors() -> None:
    cli = Cli("sh", redactor=Redactor(["correct-horse"]))
    with pytest.raises(RampartError) as caught:
        cli.run("-c", "echo token correct-horse refused >&2; exit 1")
    assert "correct-horse" not in f"{caught.value} {caught.value.details}"


def test_the_environment_is_small_and_speaks_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "correct-horse")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    shown = Cli("env", environment={"WANTED": "yes"}).run().stdout
    assert "correct-horse" not in shown
    assert "WANTED=yes" in shown
    assert "LC_ALL=C.UTF-8" in shown


def test_broken_json_is_an_error_that_shows_the_command() -> None:
    with pytest.raises(RampartError, match="not whole JSON") as caught:
        Cli("echo").run('{"half":').json()
    assert caught.value.details["command"] == "echo '{\"half\":'"


def test_the_version_is_asked_once(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!/bin/sh\necho x >> {tmp_path}/calls\necho tool v1.2.3-rc.1\n")
    tool.chmod(0o700)
    cli = Cli(str(tool))
    assert [cli.version("--version"), cli.version("--version")] == ["1.2.3-rc.1"] * 2
    assert (tmp_path / "calls").read_text() == "x\n"


def test_a_tool_without_a_version_is_an_error() -> None:
    with pytest.raises(RampartError, match="does not say its version"):
        Cli("echo").version("hello")


def test_no_child_is_left_when_the_play_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    def interrupt(self: subprocess.Popen[str], *_unused: object, **__: object) -> None:
        (tmp_path / "pid").write_text(str(self.pid))
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Cli("sleep").run("60")
    assert gone(int((tmp_path / "pid").read_text()))
    assert os.path.exists(tmp_path / "pid")


def pieces(count: int, error: Exception | None = None) -> Iterator[bytes]:
    for number in range(count):
        yield bytes([number % 256]) * 100_000
    if error:
        raise error


def test_what_is_too_large_for_memory_goes_through_in_pieces() -> None:
    wanted = hashlib.sha256(b"".join(pieces(300))).hexdigest()
    assert Cli("sha256sum").run(pieces=pieces(300)).stdout.split()[0] == wanted
    there = Cli("sh").stream("-c", "cat /dev/zero | head -c 3000000")
    assert sum(len(piece) for piece in there) == 3_000_000


def test_a_piece_that_cannot_be_made_ends_the_tool_before_it_takes_a_part_for_a_whole(tmp_path: Path) -> None:
    script = f"cat >/dev/null; echo whole > {tmp_path}/whole"
    with pytest.raises(ValueError, match="no more"):
        Cli("sh").run("-c", script, pieces=pieces(3, ValueError("no more")))
    assert not (tmp_path / "whole").exists()


def test_a_tool_that_stops_reading_says_why() -> None:
    closed = []

    def told() -> Iterator[bytes]:
        try:
            yield from pieces(300)
        finally:
            closed.append(True)

    with pytest.raises(RampartError, match="the disk is full"):
        Cli("sh").run("-c", "head -c 5 >/dev/null; echo the disk is full >&2; exit 3", pieces=told())
    assert closed == [True]


def test_output_that_does_not_end_well_is_an_error_at_its_end() -> None:
    there = Cli("sh").stream("-c", "echo half; echo broken >&2; exit 3")
    assert next(there) == b"half\n"
    with pytest.raises(RampartError, match="code 3: broken"):
        next(there)


def test_output_that_never_ends_is_cut_at_its_deadline(tmp_path: Path) -> None:
    there = Cli("sh", timeout=0.3).stream("-c", f"echo $$ > {tmp_path}/pid; echo x; sleep 60; echo y")
    with pytest.raises(RampartError, match="still running after"):
        list(there)
    assert gone(int((tmp_path / "pid").read_text()))


def test_whoever_stops_reading_ends_the_tool(tmp_path: Path) -> None:
    there = Cli("sh").stream("-c", f"echo $$ > {tmp_path}/pid; cat /dev/zero")
    next(there)
    there.close()
    assert gone(int((tmp_path / "pid").read_text()))
