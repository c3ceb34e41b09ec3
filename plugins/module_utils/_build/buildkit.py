# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Builds with BuildKit: a daemon for the time of the run, and one call for each image."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ansible_collections.rampart.k8s.plugins.module_utils._build.recipe import Recipe
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli, proxies
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import waiting_writer

START_SECONDS = 30.0
STOP_SECONDS = 20.0
# Builds of another run end first.
WAIT_SECONDS = 900.0
LOG_TAIL = 20

CONFIGURATION = """\
# Written by rampart.k8s.image_build.
root = {root}
[worker.oci]
  enabled = true
  binary = {runc}
  # No bridge and no CNI: a step either has no network, or that of this machine.
  networkMode = "host"
  gc = true
  reservedSpace = "{keep_mb}MB"
  maxUsedSpace = "{keep_mb}MB"
[worker.containerd]
  enabled = false
"""


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs are."""

    buildkitd: str
    buildctl: str
    runc: str

    def missing(self) -> list[str]:
        return [name for name in (self.buildkitd, self.buildctl, self.runc) if shutil.which(name) is None]


class BuildKit:
    """The builder. Its cache lies in a folder that only saves time."""

    def __init__(self, programs: Programs, folder: Path, *, keep_mb: int, timeout: float) -> None:
        self._programs = programs
        self._folder = folder
        self._keep_mb = keep_mb
        self._timeout = timeout
        self._address = ""

    def version(self) -> str:
        return Cli(self._programs.buildkitd).version("--version")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the daemon; it ends with this block, and with this process when that is killed."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            waiting_writer(self._folder, WAIT_SECONDS) as lock,
            # The path of a socket has to be short.
            TemporaryDirectory(prefix="rampart-") as work,
            Path(work, "buildkitd.log").open("w+b") as log,
        ):
            self._address = f"unix://{work}/buildkitd.sock"
            settings = Path(work, "buildkitd.toml")
            settings.write_text(
                CONFIGURATION.format(
                    root=json.dumps(str(self._folder / "root")),
                    runc=json.dumps(shutil.which(self._programs.runc) or self._programs.runc),
                    keep_mb=self._keep_mb,
                )
            )
            daemon = self._start(settings, log.fileno(), lock)
            try:
                self._wait(daemon, Path(work, "buildkitd.log"))
                yield
            finally:
                daemon.terminate()
                try:
                    daemon.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()

    def _start(self, settings: Path, log: int, lock: int) -> subprocess.Popen[bytes]:
        setpriv = shutil.which("setpriv")
        with_us = [setpriv, "--pdeathsig=TERM", "--"] if setpriv else []
        argv = [
            *with_us,
            self._programs.buildkitd,
            f"--config={settings}",
            f"--addr={self._address}",
        ]
        try:
            return subprocess.Popen(  # pylint: disable=ansible-bad-function
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=Cli(self._programs.buildkitd, environment=proxies()).environment,
                start_new_session=True,
                # A daemon that outlives a killed run for a moment keeps the next one waiting.
                pass_fds=(lock,),
            )
        except OSError as error:
            raise RampartError(
                f"Could not start {argv[0]}: {error.strerror}.",
                next_step="let the role rampart.k8s.tools install it (tools_for_building)",
            ) from error

    def _wait(self, daemon: subprocess.Popen[bytes], log: Path) -> None:
        ends = time.monotonic() + START_SECONDS
        asked = self._buildctl(5.0)
        while True:
            if daemon.poll() is None and Path(self._address.removeprefix("unix://")).exists():
                if asked.run("debug", "workers", accept=range(256)).rc == 0:
                    return
            if daemon.poll() is not None or time.monotonic() > ends:
                said = log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
                raise RampartError(
                    f"BuildKit's daemon did not come up: {said[-1] if said else 'it printed nothing'}",
                    next_step="look at log_tail; it needs root, overlayfs and runc",
                    log_tail=said,
                )
            time.sleep(0.05)

    def _buildctl(self, timeout: float) -> Cli:
        return Cli(
            self._programs.buildctl, environment={"BUILDKIT_HOST": self._address}, timeout=timeout
        )

    def build(self, recipe: Recipe, context: Path, target: Path) -> None:
        """Build one image into a new folder."""
        done = self._buildctl(self._timeout).run(
            "build", *arguments(recipe, context, target), accept=range(256)
        )
        if done.rc != 0:
            said = done.stderr.strip().splitlines()
            raise RampartError(
                f"BuildKit could not build {recipe.reference} from {recipe.dockerfile.name}: "
                f"{said[-1] if said else 'it printed nothing'}",
                next_step="look at the last steps in log_tail; the next run builds it again",
                rc=done.rc,
                log_tail=said[-LOG_TAIL:],
            )


def arguments(recipe: Recipe, context: Path, target: Path) -> list[str]:
    """Return what buildctl is asked for."""
    described = recipe.described()
    options: dict[str, str] = {
        "filename": recipe.dockerfile.name,
        "build-arg:SOURCE_DATE_EPOCH": str(recipe.origin.epoch),
        # Nothing is looked up that could have another answer tomorrow.
        "image-resolve-mode": "local",
        "force-network-mode": recipe.network,
        **{f"build-arg:{name}": value for name, value in recipe.arguments.items()},
        **{f"build-arg:{name}": base.pinned for name, base in recipe.bases.items()},
        **{f"label:{name}": value for name, value in described.items()},
    }
    if recipe.target:
        options["target"] = recipe.target
    layouts: list[str] = []
    for number, base in enumerate(recipe.bases.values()):
        if base.layout is not None:
            options[f"context:{base.pinned}"] = f"oci-layout://base{number}@{base.digest}"
            layouts.append(f"--oci-layout=base{number}={base.layout}")
    return [
        "--progress=plain",
        "--frontend=dockerfile.v0",
        f"--local=context={context}",
        f"--local=dockerfile={recipe.dockerfile.parent}",
        *layouts,
        *(f"--opt={name}={value}" for name, value in options.items()),
        f"--output={_output(target, described)}",
    ]


def _output(target: Path, annotations: Mapping[str, str]) -> str:
    """Ask for a folder whose layers are not compressed: gzip's output depends on its version."""
    parts = {
        "type": "oci",
        "dest": str(target),
        "tar": "false",
        "rewrite-timestamp": "true",
        "compression": "uncompressed",
        "force-compression": "true",
        "oci-mediatypes": "true",
        **{f"annotation.{name}": value for name, value in annotations.items()},
    }
    return ",".join(f'"{name}={value}"' if "," in value else f"{name}={value}" for name, value in parts.items())
