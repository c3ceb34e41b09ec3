# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of tool_install that are killed, doubled or starved: the next run finishes what they began."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support import modules
from ansible_collections.rampart.k8s.tests.support.file_server import serving
from ansible_collections.rampart.k8s.tests.support.tools import (
    entry,
    go_entry,
    go_module,
    script,
    sha256,
    tarball,
    write_mirror,
)

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
DEADLINE = 30.0

# It notes each build and, while a file says so, stops before it until a reader opens the pipe.
WRAPPER = """\
#!/bin/sh
if [ "$1" = build ]; then
  echo $$ >> {folder}/builds
  if [ -e {folder}/stop ]; then : > {folder}/gate; fi
fi
exec {go} "$@"
"""


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait for something outside this process, which tells nobody when it happens."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {DEADLINE:g} s"
        time.sleep(0.02)


class Rig:
    """A tiny Go tool and a toolchain that can be stopped before it builds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache, self.prefix, self.lines = folder / "cache", folder / "prefix", folder / "lines"
        go_module(folder / "modules")
        os.mkfifo(folder / "gate")
        (folder / "bin").mkdir()
        go = folder / "bin/go"
        go.write_text(WRAPPER.format(folder=folder, go=shutil.which("go")))
        go.chmod(0o755)
        self.tools: list[dict[str, Any]] = [go_entry()]
        self.environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
        self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))

    def arguments(self) -> dict[str, Any]:
        return {
            "tools": self.tools,
            "prefix": str(self.prefix),
            "cache_dir": str(self.cache),
            "go_modules_dir": str(self.folder / "modules"),
            "_progress_file": str(self.lines),
        }

    def start(self) -> subprocess.Popen[str]:
        """Run the module in a process of its own."""
        (self.folder / "arguments").write_text(json.dumps(self.arguments()))
        with (self.folder / "arguments").open() as stdin:
            return subprocess.Popen(
                # The step at which it would kill itself is never reached.
                [sys.executable, "-m", modules.__name__, "tool_install", str(10**9), str(self.folder)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment,
                text=True,
            )

    def run(self) -> dict[str, Any]:
        return self.answer(self.start())

    @staticmethod
    def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
        stdout, stderr = process.communicate(timeout=DEADLINE)
        assert stdout, stderr
        result: dict[str, Any] = json.loads(stdout)
        return result

    def builds(self) -> list[int]:
        path = self.folder / "builds"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def stop_builds(self) -> None:
        (self.folder / "stop").touch()

    def go_on(self) -> None:
        (self.folder / "stop").unlink(missing_ok=True)
        with (self.folder / "gate").open() as gate:
            gate.read()

    def said(self, text: str) -> bool:
        return self.lines.exists() and text in self.lines.read_text()

    def unfinished(self) -> list[Path]:
        return list(self.cache.glob(".unfinished-*"))

    def whole(self) -> None:
        assert subprocess.run([self.prefix / "bin/hello"], capture_output=True, text=True, check=True).stdout
        assert self.unfinished() == []
        assert self.run()["changed"] is False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    for pid in made.builds():
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


def test_a_run_killed_while_it_builds_is_finished_by_the_next(rig: Rig) -> None:
    rig.stop_builds()
    killed = rig.start()
    eventually(rig.builds, "the build")
    killed.kill()
    killed.wait()
    assert not (rig.prefix / "bin/hello").exists()
    assert len(rig.unfinished()) == 1

    # The compiler outlived the run and still holds the lock: nobody builds beside it.
    following = rig.start()
    eventually(lambda: rig.said("waits for the run"), "the waiting")
    assert len(rig.builds()) == 1
    rig.go_on()
    assert rig.answer(following)["changed"] is True
    assert len(rig.builds()) == 2
    rig.whole()


def test_two_runs_at_once_build_once(rig: Rig) -> None:
    rig.stop_builds()
    first = rig.start()
    eventually(rig.builds, "the build")
    second = rig.start()
    eventually(lambda: rig.said("waits for the run"), "the waiting")
    rig.go_on()
    assert [
        rig.answer(process)["tools"][0]["files"]["bin/hello"]["sha256"] for process in (first, second)
    ] == [sha256((rig.prefix / "bin/hello").read_bytes())] * 2
    assert len(rig.builds()) == 1
    rig.whole()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_compiler(rig: Rig, sign: signal.Signals) -> None:
    rig.stop_builds()
    # A suite that a shell started in the background ignores SIGINT, and what it starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = rig.start()
    eventually(rig.builds, "the build")
    process.send_signal(sign)
    process.communicate(timeout=DEADLINE)
    eventually(lambda: not alive(rig.builds()[0]), "the compiler's end")
    (rig.folder / "stop").unlink()
    assert rig.run()["changed"] is True
    rig.whole()


def test_a_run_killed_while_it_downloads_is_finished_by_the_next(rig: Rig, tmp_path: Path) -> None:
    with serving(tmp_path, tls=True) as (server, certificate):
        rig.environment["SSL_CERT_FILE"] = str(certificate)
        content = script("1.2.3") + b"#" * 500_000
        server.files["/hello"] = content
        server.breaks = 1000
        file = {"url": f"{server.url}/hello", "sha256": sha256(content), "place": "bin/hello"}
        rig.tools = [entry(release={ARCHITECTURE: [file]})]
        killed = rig.start()
        eventually(lambda: [item for item in server.requests if item[0] == "GET"], "the download")
        killed.kill()
        killed.wait()
        assert not (rig.prefix / "bin/hello").exists()
        server.breaks = 0
        answer = rig.run()
        assert answer["tools"][0]["source"] == "release"
        rig.whole()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_fills_up_leaves_nothing_behind(rig: Rig) -> None:
    rig.cache.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    assert mount
    assert unmount
    rig.tools = [go_entry(disk_mb=1)]
    subprocess.run([mount, "-t", "tmpfs", "-o", "size=1500k,mode=0755", "none", rig.cache], check=True)
    try:
        failed = rig.run()
        assert failed["failed"] is True
        assert "no space left on device" in failed["msg"].lower()
        assert "free space" in failed["next_step"]
        assert rig.unfinished() == []
        assert not (rig.prefix / "bin/hello").exists()
        subprocess.run([mount, "-o", "remount,size=100m", rig.cache], check=True)
        assert rig.run()["changed"] is True
        rig.whole()
    finally:
        subprocess.run([unmount, rig.cache], check=True)


def test_many_runs_at_once_agree(rig: Rig) -> None:
    processes = [rig.start() for _number in range(6)]
    answers: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda process=process: answers.append(rig.answer(process)))
        for process in processes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.get("msg") for answer in answers if answer.get("failed")] == []
    assert len({answer["tools"][0]["files"]["bin/hello"]["sha256"] for answer in answers}) == 1
    assert len(rig.builds()) == 1
    rig.whole()


def test_a_run_killed_at_any_of_its_steps_is_finished_by_the_next(rig: Rig) -> None:
    name = f"hello-1.2.3-linux-{ARCHITECTURE}.tar.gz"
    write_mirror(rig.folder / "mirror", {name: tarball({"bin/hello": script("1.2.3")})})
    rig.tools = [entry()]
    arguments = {**rig.arguments(), "mirror": str(rig.folder / "mirror")}
    killed = 0
    while modules.run_killed("tool_install", arguments, point=killed, folder=rig.folder):
        killed += 1
        program = rig.prefix / "bin/hello"
        assert not program.is_symlink() or program.read_bytes() == script("1.2.3")
        answer = modules.call("tool_install", arguments)
        assert "msg" not in answer, answer
        assert program.read_bytes() == script("1.2.3")
        assert rig.unfinished() == []
        assert modules.call("tool_install", arguments)["changed"] is False
        shutil.rmtree(rig.cache)
        shutil.rmtree(rig.prefix)
    assert killed > 10
