# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gets packages through the clients of their registries, keeps them, and believes only their sums."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CODENAMES = {"11": "bullseye", "12": "bookworm"}
SOURCES = Path(__file__).parent
# What is unpacked on the way to an image.
UNPACKED = "unpacked-"


@dataclass(frozen=True, slots=True)
class Package:
    """A package of one version, as its registry calls it."""

    name: str
    version: str
    sum: str


def run(command: Sequence[str], *, folder: Path, environment: dict[str, str] | None = None) -> bytes:
    """Run a command and return what it says; what it complains about is part of the failure."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, env=environment)
    except FileNotFoundError as error:
        raise RuntimeError(f"{command[0]} is not on this machine; install what brings it") from error
    if done.returncode:
        complaint = done.stderr.decode(errors="replace").strip() or done.stdout.decode(errors="replace")
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {complaint[-2000:]}")
    return done.stdout


def right_sum(content: bytes, expected: str) -> bool:
    """Compare a file with its sum: sha256 in hexadecimal digits, or npm's sha512 in base 64."""
    if expected.startswith("sha512-"):
        return base64.b64encode(hashlib.sha512(content).digest()).decode() == expected.removeprefix("sha512-")
    return hashlib.sha256(content).hexdigest() == expected


def mirror() -> str:
    """Return the Debian mirror that this machine uses, unless RAMPART_DEBIAN_MIRROR names another."""
    if named := os.environ.get("RAMPART_DEBIAN_MIRROR"):
        return named
    form = "$(LABEL) $(REPO_URI)"
    told = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"], folder=SOURCES)
    for label, _space, uri in (line.partition(" ") for line in told.decode().splitlines()):
        if label == "Debian":
            return uri
    raise RuntimeError("apt knows no Debian mirror: run apt-get update, or set RAMPART_DEBIAN_MIRROR")


def shared_folder() -> Path:
    """Return where the tests of this machine keep what is built here; make clean removes it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rampart-ground"


class Store:
    """The packages that were fetched, each below the sum that it must have."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def debs(self, release: str, packages: Sequence[Package]) -> list[Path]:
        """Return the files of Debian packages."""

        def fetch(missing: Sequence[Package], folder: Path) -> None:
            state = self._folder / f"apt-{release}"
            for name in ("lists/partial", "cache/archives/partial"):
                (state / name).mkdir(parents=True, exist_ok=True)
            (state / "status").touch()
            # No key is asked for: what arrives must have the sum that images.yml pins.
            (state / "sources.list").write_text(
                f"deb [arch=amd64 trusted=yes check-valid-until=no] {mirror()} {CODENAMES[release]} main\n"
            )
            options = [
                f"Dir::Etc::sourcelist={state}/sources.list", "Dir::Etc::sourceparts=/dev/null",
                f"Dir::State::lists={state}/lists", f"Dir::State::status={state}/status",
                f"Dir::Cache={state}/cache", "APT::Architecture=amd64", "APT::Sandbox::User=",
                "Acquire::Languages=none", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            ]  # fmt: skip
            apt = ["apt-get", "-qq", *(f"-o{option}" for option in options)]
            run([*apt, "update"], folder=folder)
            run([*apt, "download", *(f"{item.name}={item.version}" for item in missing)], folder=folder)

        return self._get(packages, fetch)

    def wheels(self, packages: Sequence[Package]) -> list[Path]:
        """Return the wheels of Python packages."""

        def fetch(missing: Sequence[Package], folder: Path) -> None:
            wanted = folder / "wanted.txt"
            wanted.write_text(
                "".join(f"{item.name}=={item.version} --hash=sha256:{item.sum}\n" for item in missing)
            )
            run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                 "--require-hashes", "--requirement", str(wanted)],
                folder=folder,
            )  # fmt: skip

        return self._get(packages, fetch)

    def tarballs(self, packages: Sequence[Package]) -> list[Path]:
        """Return the tarballs of npm packages."""

        def fetch(missing: Sequence[Package], folder: Path) -> None:
            wanted = [f"{item.name}@{item.version}" for item in missing]
            run(["npm", "pack", "--silent", "--ignore-scripts", *wanted], folder=folder)

        return self._get(packages, fetch)

    def program(self, name: str) -> Path:
        """Return the program of a Go module of this folder; Go's own cache makes it cheap."""
        target = self._folder / "programs" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        build(name, target, architecture="amd64")
        return target

    def _get(
        self, packages: Sequence[Package], fetch: Callable[[Sequence[Package], Path], None]
    ) -> list[Path]:
        files = [self._folder / item.sum.replace("/", "_") for item in packages]
        missing = [item for item, file in zip(packages, files, strict=True) if not file.exists()]
        if missing:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder) as work:
                fetch(missing, Path(work))
                self._keep(missing, Path(work).iterdir())
        return files

    def _keep(self, missing: Sequence[Package], arrived: Iterable[Path]) -> None:
        contents = [(file, file.read_bytes()) for file in arrived if file.is_file()]
        for item in missing:
            file = next((file for file, content in contents if right_sum(content, item.sum)), None)
            if file is None:
                raise RuntimeError(
                    f"No file that came for {item.name} {item.version} has the sum {item.sum}: "
                    f"{', '.join(file.name for file, _content in contents)}."
                )
            file.rename(self._folder / item.sum.replace("/", "_"))


def build(name: str, target: Path, *, architecture: str = "") -> None:
    """Build one of the Go modules of this folder."""
    go = shutil.which("go") or "/usr/local/go/bin/go"
    settings = {"GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    if architecture:
        settings["GOARCH"] = architecture
    flags = [f"{key}={value}" for key, value in settings.items()]
    run(
        ["env", *flags, go, "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
         "-o", str(target), "."],
        folder=SOURCES / name,
    )  # fmt: skip


def fingerprint(*modules: str) -> str:
    """Name what decides a result besides its recipe: the files of this folder, and of Go the toolchain."""
    digest = hashlib.sha256(run(["go", "env", "GOVERSION"], folder=SOURCES) if modules else b"")
    folders = [SOURCES / name for name in sorted(modules)]
    files = [*sorted(SOURCES.glob("*.py")), SOURCES / "advisories.yml"]
    for file in [*files, *(file for folder in folders for file in sorted(folder.iterdir()))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


@contextmanager
def alone(work: Path) -> Iterator[None]:
    """Let others who build in the same folder wait: what they want will be there."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for left in work.glob(f"{UNPACKED}*"):
            # By a run that was killed: who holds the lock is alone.
            shutil.rmtree(left)
        yield
