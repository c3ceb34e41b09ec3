# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example's PostgreSQL: the files of its image, run without a container."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.ground.packages import shared_folder
from tests.support.modules import call

EXAMPLE = Path(__file__).parents[2] / "examples/ai-backend"
NAME = "rampart.local/base/postgresql"
USER = 65532
SECONDS = 60.0


def base() -> Path:
    """Make the image that PostgreSQL's is built on, once for all tests of a machine; return its layer."""
    recipes = yaml.safe_load((EXAMPLE / "images.yml").read_text())["image_build_bases"]
    folder = shared_folder() / "bases"
    (recipe,) = [{**each, "layout": str(folder / "postgresql")} for each in recipes if each["name"] == NAME]
    answer = call("image_base", {"bases": [recipe], "cache_dir": str(folder)})
    if answer.get("failed"):
        raise RuntimeError(answer["msg"])
    blobs = folder / "postgresql/blobs/sha256"
    return max(blobs.iterdir(), key=lambda path: path.stat().st_size)


@dataclass(slots=True)
class Postgres:
    """One server with a root of its own."""

    root: Path
    port: int
    server: subprocess.Popen[bytes] | None = None

    def unpack(self) -> None:
        """Lay out the files as the Dockerfile does."""
        subprocess.run(["tar", "--extract", f"--file={base()}", f"--directory={self.root}"], check=True)
        places = {
            "usr/share/ai-backend": ("start", "bootstrap.sql", "database.sql", "application.sql"),
            "etc/postgresql": ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"),
        }
        for place, names in places.items():
            (self.root / place).mkdir(parents=True)
            for name in names:
                shutil.copy(EXAMPLE / "postgresql" / name, self.root / place / name)
        (self.root / "dev").mkdir(exist_ok=True)
        os.mknod(self.root / "dev/null", 0o666 | 0o020000, os.makedev(1, 3))
        (self.root / "dev/null").chmod(0o666)
        data = self.root / "var/lib/postgresql/data"
        data.mkdir(parents=True)
        os.chown(data, USER, USER)

    def secret(self, name: str, **files: str) -> None:
        """Mount a Secret; underscores in the names of files stand for dots."""
        folder = self.root / "run/secrets" / name
        folder.mkdir(parents=True, exist_ok=True)
        for key, content in files.items():
            path = folder / key.replace("_", ".")
            path.write_text(content)
            os.chown(path, USER, USER)
            path.chmod(0o400)

    def _inside(self, *arguments: str) -> list[str]:
        """The program that changes root and user is this machine's; all that it starts is the image's."""
        chroot = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin") or "chroot"
        settings = ["PGDATA=/var/lib/postgresql/data", "PATH=/usr/lib/postgresql/15/bin:/usr/bin"]
        become = [chroot, f"--userspec={USER}:{USER}", "--groups=", str(self.root)]
        return ["env", "-i", *settings, *become, "/bin/sh", "/usr/share/ai-backend/start", *arguments]

    def prepare(self) -> str:
        """Run what prepares the database, and return what it said."""
        done = subprocess.run(self._inside("prepare"), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout + done.stderr

    def start(self) -> None:
        """Serve until stopped."""
        with (self.root / "server.log").open("ab") as log:
            before = log.tell()
            self.server = subprocess.Popen(
                self._inside("serve", "-c", f"port={self.port}"), stdout=log, stderr=log
            )
        ends = time.monotonic() + SECONDS
        while "ready to accept connections" not in self.log()[before:]:
            if self.server.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(self.log()[-2000:])
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server and everybody's sessions."""
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            self.server.wait(SECONDS)
            self.server = None

    def log(self) -> str:
        return (self.root / "server.log").read_text()


@contextmanager
def unpacked(root: Path, port: int) -> Iterator[Postgres]:
    """Yield a server that is not prepared yet."""
    made = Postgres(root, port)
    made.unpack()
    try:
        yield made
    finally:
        made.stop()
