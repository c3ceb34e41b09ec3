# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Docker Engine of a test's own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

LONGEST_START = 60


class RealDocker:
    """One daemon."""

    def __init__(self, host: str) -> None:
        self.host = host

    def run(self, *arguments: str, content: bytes | None = None) -> str:
        """Ask the daemon itself, past the module."""
        done = subprocess.run(
            ["docker", "--host", self.host, *arguments], input=content, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def id(self, name: str) -> str:
        return self.run("image", "inspect", "--format={{.Id}}", name).strip()


@contextlib.contextmanager
def docker(folder: Path) -> Iterator[RealDocker]:
    """Run a daemon on a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # The path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="rd-") as short, (folder / "log").open("w") as log:
        daemon = subprocess.Popen(
            [
                "dockerd",
                f"--host=unix://{short}/d.sock",
                f"--data-root={folder}/data",
                f"--exec-root={short}/exec",
                f"--pidfile={short}/pid",
                "--bridge=none",
                "--iptables=false",
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + LONGEST_START
            while "API listen on" not in (folder / "log").read_text():
                assert daemon.poll() is None, (folder / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, "it does not start"
                time.sleep(0.1)
            yield RealDocker(f"unix://{short}/d.sock")
        finally:
            daemon.terminate()
            daemon.wait(LONGEST_START)
            shutil.rmtree(folder, ignore_errors=True)


def available() -> bool:
    """Whether there is a daemon to run; it needs root."""
    return bool(shutil.which("dockerd") and shutil.which("docker")) and os.geteuid() == 0
