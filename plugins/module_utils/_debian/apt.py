# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks apt for packages of a suite of its own, whatever this machine itself runs."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import (
    TEMPORARY_PREFIX,
    waiting_writer,
    write_atomic,
)
from ansible_collections.rampart.k8s.plugins.module_utils._debian.resolve import Package, closure, parse

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LABELS = {"mirror": "Debian", "security_mirror": "Debian-Security"}
UPDATE_SECONDS = 300.0
DOWNLOAD_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Suite:
    """A release of Debian, and where it is fetched from; empty mirrors are those of this machine's apt."""

    name: str
    architecture: str
    mirror: str = ""
    security_mirror: str = ""
    keyring: str = KEYRING
    accept_expired: bool = False

    @property
    def key(self) -> str:
        words = json.dumps([self.name, self.architecture, self.mirror, self.security_mirror, self.keyring])
        return hashlib.sha256(words.encode()).hexdigest()[:16]


def machine_mirrors(text: str) -> dict[str, str]:
    """Read which mirrors this machine's apt uses, by what their archives call themselves."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        label, _space, address = line.partition(" ")
        found.setdefault(label, address.rstrip("/"))
    return found


class Apt:
    """A state of its own below the cache: lists, packages by their sums, and nothing installed."""

    def __init__(self, suite: Suite, cache: Path, environment: Mapping[str, str]) -> None:
        self._suite = suite
        self._state = cache / "apt" / suite.key
        self._packages = cache / "packages"
        self._environment = environment

    def _cli(self, program: str, timeout: float) -> Cli:
        return Cli(program, environment=self._environment, timeout=timeout)

    @property
    def _options(self) -> list[str]:
        state = self._state
        settings = {
            "Dir::Etc::sourcelist": f"{state}/sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State": f"{state}",
            "Dir::State::lists": f"{state}/lists",
            "Dir::State::status": f"{state}/status",
            "Dir::Cache": f"{state}/cache",
            # Some machines switch these off; without them every question reads all lists.
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "APT::Architecture": self._suite.architecture,
            "APT::Architectures": self._suite.architecture,
            "APT::Sandbox::User": "",
            # A list that could not be fetched is an error: without it security updates would be missing.
            "APT::Update::Error-Mode": "any",
            "Acquire::Check-Valid-Until": "false" if self._suite.accept_expired else "true",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        }
        return ["-qq", *(f"-o{name}={value}" for name, value in settings.items())]

    def refresh(self, max_age_hours: float) -> None:
        """Fetch the signed lists, unless they are fresh enough."""
        stamp = self._state / "fetched"
        for folder in ("lists/partial", "cache/archives/partial"):
            (self._state / folder).mkdir(mode=0o755, parents=True, exist_ok=True)
        with waiting_writer(self._state, UPDATE_SECONDS):
            if stamp.exists() and 0 <= time.time() - stamp.stat().st_mtime < max_age_hours * 3600:
                return
            (self._state / "status").touch()
            sources = "".join(f"{line}\n" for line in self._sources())
            write_atomic(self._state / "sources.list", sources.encode(), mode=0o644)
            self._cli("apt-get", UPDATE_SECONDS).run(*self._options, "update")
            for memory in self._state.glob("resolved-*.json"):
                memory.unlink(missing_ok=True)
            write_atomic(stamp, b"", mode=0o644)

    def _sources(self) -> Iterator[str]:
        suite = self._suite
        mirrors = {"mirror": suite.mirror, "security_mirror": suite.security_mirror}
        if not all(mirrors.values()):
            form = "$(LABEL) $(REPO_URI)"
            asked = self._cli("apt-get", UPDATE_SECONDS)
            told = asked.run("indextargets", "--format", form, "Created-By: Packages").stdout
            known = machine_mirrors(told)
            mirrors = {key: given or known.get(LABELS[key], "") for key, given in mirrors.items()}
        for key, address in mirrors.items():
            if not address:
                raise RampartError(
                    f"This machine's apt knows no mirror of {LABELS[key]}, and none is named.",
                    next_step=f"name one in {key}, or run apt-get update on a Debian",
                )
        options = f"[arch={suite.architecture} signed-by={suite.keyring}]"
        yield f"deb {options} {mirrors['mirror']} {suite.name} main"
        yield f"deb {options} {mirrors['mirror']} {suite.name}-updates main"
        yield f"deb {options} {mirrors['security_mirror']} {suite.name}-security main"

    def resolve(self, wanted: Sequence[str], without: Sequence[str]) -> list[Package]:
        """Return the newest packages that are asked for, with all that they depend on.

        What the lists answered is remembered beside them until they are fetched again.
        """
        words = json.dumps([(self._state / "fetched").stat().st_mtime_ns, sorted(wanted), sorted(without)])
        memory = self._state / f"resolved-{hashlib.sha256(words.encode()).hexdigest()[:16]}.json"
        try:
            return [Package(**row) for row in json.loads(memory.read_bytes())]
        except (OSError, ValueError, TypeError):
            found = closure(wanted, without, self._show)
        rows = [package.data() for package in found]
        write_atomic(memory, json.dumps(rows).encode(), mode=0o644)
        return found

    def _show(self, names: Sequence[str]) -> dict[str, Package]:
        done = self._cli("apt-cache", UPDATE_SECONDS).run(
            *self._options, "--no-all-versions", "show", *names, accept=(0, 100)
        )
        return parse(done.stdout)

    def files(self, packages: Sequence[Package]) -> list[Path]:
        """Return the packages' files, fetched where they are not kept yet, each with the sum of the index."""
        self._packages.mkdir(mode=0o755, parents=True, exist_ok=True)
        targets = [self._packages / f"{package.sha256}.deb" for package in packages]
        missing = [package for package, target in zip(packages, targets, strict=True) if not target.exists()]
        if missing:
            with TemporaryDirectory(dir=self._packages, prefix=TEMPORARY_PREFIX) as work:
                names = [f"{package.name}={package.version}" for package in missing]
                self._cli("apt-get", DOWNLOAD_SECONDS).run(*self._options, "download", *names, cwd=work)
                self._keep(missing, sorted(Path(work).iterdir()))
        return targets

    def _keep(self, missing: Sequence[Package], arrived: Sequence[Path]) -> None:
        sums = {}
        for file in arrived:
            with file.open("rb") as stream:
                sums[hashlib.file_digest(stream, "sha256").hexdigest()] = file
        for package in missing:
            if package.sha256 not in sums:
                raise RampartError(
                    f"No file that came for {package.name} {package.version} has the sum of the signed list.",
                    next_step="run again; when it stays so, look who stands between here and the mirror",
                )
            sums[package.sha256].replace(self._packages / f"{package.sha256}.deb")


def needed() -> list[str]:
    """Return the programs that are not on this machine."""
    return [name for name in ("apt-get", "apt-cache") if shutil.which(name) is None]
