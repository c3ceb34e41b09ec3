# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Fetches the Python packages that a build installs, so that the build itself needs no network."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ansible_collections.rampart.k8s.plugins.module_utils._build.context import PLAIN, File
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli, proxies
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import TEMPORARY_PREFIX

SECONDS = 900.0
# The oldest glibc that wheels are tagged for by its version.
FIRST_GLIBC = 17
INSTALLER = re.compile(r"pip-[^-]+-py3-none-any\.whl")


@dataclass(frozen=True, slots=True)
class Wheels:
    """Which packages, for which interpreter; the lists pin each with its sums."""

    place: str
    requirements: tuple[Path, ...]
    python: str
    glibc: str
    machine: str

    @property
    def key(self) -> str:
        """Name what is fetched; the sums in the lists name the content."""
        lists = [File(path, PLAIN).digest() for path in self.requirements]
        words = json.dumps([lists, self.python, self.glibc, self.machine])
        return hashlib.sha256(words.encode()).hexdigest()

    def platforms(self) -> list[str]:
        """Return the tags of wheels that run there, newest first."""
        major, _dot, minor = self.glibc.partition(".")
        if major != "2" or not minor.isdigit():
            raise RampartError(
                f"{self.glibc!r} is not a version of glibc.", next_step="write it like 2.36, that of Debian 12"
            )
        dated = [f"manylinux_2_{number}_{self.machine}" for number in range(int(minor), FIRST_GLIBC - 1, -1)]
        return [*dated, f"manylinux2014_{self.machine}", f"linux_{self.machine}", "any"]

    def arguments(self, target: Path) -> list[str]:
        """Return what pip is asked for."""
        short = self.python.replace(".", "")
        return [
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
            "--require-hashes",
            f"--python-version={self.python}",
            "--implementation=cp",
            *(f"--abi={tag}" for tag in (f"cp{short}", "abi3", "none")),
            *(f"--platform={tag}" for tag in self.platforms()),
            f"--dest={target}",
            *(f"--requirement={path}" for path in self.requirements),
        ]


def fetch(wheels: Wheels, cache: Path) -> dict[str, File]:
    """Return the wheels by their places in the context, fetched where they are not kept yet."""
    kept = cache / "wheels" / wheels.key[:32]
    if not kept.is_dir():
        kept.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=kept.parent, prefix=TEMPORARY_PREFIX) as work:
            made = Path(work, "made")
            made.mkdir()
            # pip is told by these where it fetches from; that is no part of what is built.
            settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
            pip = Cli(sys.executable, environment={**settings, **proxies()}, timeout=SECONDS)
            pip.run(*wheels.arguments(made))
            try:
                made.rename(kept)
            except OSError:
                # Another run was quicker.
                if not kept.is_dir():
                    raise
    return {f"{wheels.place}/{place(path.name)}": File(path, PLAIN) for path in sorted(kept.iterdir())}


def place(name: str) -> str:
    """The installer itself is called without its version, so that a Dockerfile can start it."""
    return "pip.whl" if INSTALLER.fullmatch(name) else name
