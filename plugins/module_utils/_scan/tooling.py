# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""All scanners of a run: which are here, with which databases, and how each is called."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.sandbox import Sandbox
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._scan import databases, programs, runner
from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import Adapter, Input
from ansible_collections.rampart.k8s.plugins.module_utils._scan.dockle import Dockle
from ansible_collections.rampart.k8s.plugins.module_utils._scan.grype import Grype
from ansible_collections.rampart.k8s.plugins.module_utils._scan.hadolint import Hadolint
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import FORM, Report
from ansible_collections.rampart.k8s.plugins.module_utils._scan.storage import Cache, make_private
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trivy import Trivy
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import Failure, ScannerError
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import Database

SCANNERS = ("trivy", "grype", "dockle", "hadolint")

# trivy ends with an error when another trivy uses the same cache of layers.
ALONE = frozenset({"trivy"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which scanners are asked, where they are, and within which bounds they work."""

    scanners: tuple[str, ...]
    programs: Mapping[str, str]
    sums: Mapping[str, str]
    databases: Mapping[str, Path]
    slots: int
    memory_mb: int
    cores: int
    timeout: float


class Tooling:
    """What of that is here."""

    def __init__(self, wanted: Wanted, cache: Cache, work: Path, now: datetime, *, keep: bool) -> None:
        self.wanted = wanted
        self._cache = cache
        self._work = work
        self._now = now
        # A run that keeps nothing has its layers to itself.
        self._layers = cache.folder / "layers" if keep else work / "layers"
        self._keep = keep
        self._adapters: dict[str, Adapter] = {
            "trivy": Trivy(self._layers),
            "grype": Grype(wanted.databases["grype"]),
            "dockle": Dockle(),
            "hadolint": Hadolint(),
        }
        self.sandbox = Sandbox(wanted.memory_mb, wanted.cores)
        self.databases: dict[str, Database] = {}
        self._java = ""
        self._programs: dict[str, programs.Program] = {}
        self.failures: dict[str, Failure] = {}
        self.started: list[str] = []
        self._counting = threading.Lock()

    def find(self, names: frozenset[str]) -> None:
        """Look for the scanners and their databases; what is wrong with one is told per subject."""
        for name in sorted(names):
            adapter = self._adapters[name]
            try:
                wanted = self.wanted
                program = programs.find(
                    adapter, wanted.programs.get(name) or name, wanted.sums.get(name, ""), self._cache
                )
                if adapter.has_database:
                    self.databases[name] = databases.READERS[name](wanted.databases[name], self._now)
                self._programs[name] = program
                if name == "trivy":
                    with suppress(ScannerError):
                        self._java = databases.java(wanted.databases["trivy"], self._now).version
            except ScannerError as error:
                self.failures[name] = Failure(name, error.trouble, error.said)

    @property
    def versions(self) -> dict[str, str]:
        return {name: program.version for name, program in self._programs.items()}

    def has(self, name: str) -> bool:
        return name in self._programs

    def key(self, name: str, item_name: str) -> str:
        """Name everything but the subject's bytes that a report depends on."""
        database = self.databases.get(name)
        parts = [FORM, name, self._programs[name].version, database.version if database else ""]
        # An image with Java archives cannot be judged without it; others do not need it.
        parts.append(self._java if name == "trivy" else "")
        # A linter tells the path that it was given.
        return digest([*parts, item_name if name == "hadolint" else ""])

    def run(self, name: str, item: Input) -> Report:
        """Let one scanner judge; raises ScannerError when it does not."""
        with self._counting:
            self.started.append(name)
        with self._alone(name):
            if name in ALONE:
                self._lay_out()
            return runner.run(
                self._adapters[name],
                self._programs[name],
                item,
                self.sandbox,
                self._work,
                self.wanted.timeout,
            )

    def _alone(self, name: str) -> AbstractContextManager[None]:
        if name in ALONE and self._keep:
            return self._cache.alone("layers", self.wanted.timeout)
        return nullcontext()

    def _lay_out(self) -> None:
        """Give trivy a cache of layers of its own beside the database that others may share."""
        make_private(self._layers)
        for name in ("db", "java-db"):
            link, target = self._layers / name, self.wanted.databases["trivy"] / name
            if link.is_symlink() and link.readlink() == target:
                continue
            if link.is_symlink():
                link.unlink()
            if target.is_dir():
                link.symlink_to(target)
