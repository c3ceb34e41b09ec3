# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real containerds, each with a folder of its own and without the kubelet's side."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.programs import tool

CONTAINERD, CTR = tool("containerd"), tool("ctr")

# Of what a node has, only what keeps images.
CONFIG = """\
version = 3
root = '{folder}/root'
state = '{folder}/state'
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime', 'io.containerd.snapshotter.v1.erofs', 'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.blockfile', 'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs']
[grpc]
address = '{socket}'
[plugins.'io.containerd.internal.v1.opt']
path = '{folder}/opt'
[plugins.'io.containerd.gc.v1.scheduler']
startup_delay = '0s'
"""


class RealContainerd:
    """One daemon, which the test may kill and start again."""

    def __init__(self, folder: Path, socket: Path) -> None:
        self.folder = folder
        self.socket = socket
        self._child: subprocess.Popen[bytes] | None = None
        (folder / "config.toml").write_text(CONFIG.format(folder=folder, socket=socket))

    def start(self) -> None:
        self.begin()
        deadline = time.monotonic() + 30
        while self._ctr("version").returncode != 0:
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def begin(self) -> None:
        """Start it and do not wait."""
        with (self.folder / "log").open("ab") as log:
            self._child = subprocess.Popen(
                [CONTAINERD, "--config", self.folder / "config.toml"], stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End it at once, as a full memory or a power failure does."""
        if self._child:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait()
            self._child = None

    def ctr(self, *arguments: str) -> str:
        """Ask the daemon itself, past the module."""
        done = self._ctr(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CTR, "--address", self.socket, "--namespace", "k8s.io", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    def names(self) -> dict[str, str]:
        """Return what each name means."""
        rows = [line.split() for line in self.ctr("images", "list").splitlines()[1:]]
        return {row[0]: row[2] for row in rows}

    def blobs(self) -> set[str]:
        return set(self.ctr("content", "list", "--quiet").split())

    def unpacked(self) -> set[str]:
        """Return the names of images from which a container could start at once."""
        return set(self.ctr("images", "check", "--quiet").split())


@contextlib.contextmanager
def containerd(folder: Path) -> Iterator[RealContainerd]:
    """Run a containerd on a folder, and remove what it mounted at the end."""
    # The path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="rc-") as short:
        folder.mkdir(parents=True, exist_ok=True)
        daemon = RealContainerd(folder, Path(short) / "c.sock")
        try:
            daemon.start()
            yield daemon
        finally:
            daemon.kill()
            # Unpacking mounts; a daemon that was killed meanwhile leaves it behind.
            for line in reversed(Path("/proc/mounts").read_text().splitlines()):
                place = line.split()[1]
                if place.startswith(f"{folder}/"):
                    subprocess.run(["umount", "--lazy", place], check=False)
            shutil.rmtree(folder, ignore_errors=True)


def available() -> bool:
    """Whether there is a containerd to run; it needs root."""
    return CONTAINERD.exists() and CTR.exists() and os.geteuid() == 0
