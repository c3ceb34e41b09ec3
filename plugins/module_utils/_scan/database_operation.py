# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings the databases of trivy and grype: from their projects, from a mirror, or from files.

A new database is made beside the one in use and read before it takes its place, so that a broken
download or a wrong file leaves the old one where it is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._oci.crane import TO_REGISTRIES
from ansible_collections.rampart.k8s.plugins.module_utils._scan import databases
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import Database
from ansible_collections.rampart.k8s.plugins.module_utils._tools.archive import take

# The part of a scanner's folder that is the database.
PARTS = {"trivy": "db", "java": "java-db", "grype": str(databases.GRYPE_MODEL)}
FILES = {"trivy": ("metadata.json", "trivy.db"), "java": ("metadata.json", "trivy-java.db")}

# How trivy is told which of its databases to fetch, and from where.
WORDS = {
    "trivy": ("--download-db-only", "--db-repository"),
    "java": ("--download-java-db-only", "--java-db-repository"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where one database comes from; a file goes before the network."""

    program: str
    folder: Path
    file: Path | None = None
    # A mirror of the project's own place.
    address: str = ""


@dataclass(slots=True)
class DatabaseUpdate:
    """The operation behind the module scan_databases."""

    sources: Mapping[str, Source]
    online: bool
    max_age: timedelta
    timeout: float
    progress: Progress
    _due: dict[str, str] = field(default_factory=dict)

    def plan(self) -> Plan:
        """See which databases are missing, broken, too old, or older than the file that is offered."""
        now = datetime.now(UTC)
        before = {name: self._state(name, now) for name in self.sources}
        for name in self.sources:
            reason = self._why(name, now)
            if reason:
                self._due[name] = reason
        return Plan(
            bool(self._due),
            "; ".join(f"{name}: {why}" for name, why in self._due.items()) or "all are recent",
            before={"databases": before},
            after={"databases": {**before, **dict.fromkeys(self._due, "as its source has it")}},
            result={"databases": before, "updated": sorted(self._due)},
        )

    def apply(self, plan: Plan) -> Plan:
        """Bring what is due."""
        for name in self._due:
            self.progress.say(f"bringing the database of {name}")
            self._bring(name)
        now = datetime.now(UTC)
        after = {name: self._state(name, now) for name in self.sources}
        return Plan(True, plan.reason, plan.before, {"databases": after}, {**plan.result, "databases": after})

    def _read(self, name: str, folder: Path, now: datetime) -> Database:
        return databases.READERS[name](folder, now)

    def _state(self, name: str, now: datetime) -> dict[str, Any]:
        try:
            found = self._read(name, self.sources[name].folder, now)
        except ScannerError as error:
            return {"state": str(error.trouble), "built": "", "age_hours": 0}
        age = int((now - found.built).total_seconds() // 3600)
        return {"state": "present", "built": found.built.strftime(TIME), "age_hours": age}

    def _why(self, name: str, now: datetime) -> str:
        source = self.sources[name]
        try:
            found = self._read(name, source.folder, now)
        except ScannerError as error:
            return f"{error.trouble}"
        if source.file is not None:
            marker = source.folder / f"{PARTS[name]}.from"
            known = marker.read_text() if marker.is_file() else ""
            return "" if known == _mark(name, source.file) else "the file is another one than was imported"
        if self.online and now - found.built > self.max_age:
            return f"built {found.built.strftime(TIME)}, over {self.max_age} ago"
        return ""

    def _bring(self, name: str) -> None:
        source = self.sources[name]
        if source.file is None and not self.online:
            raise RampartError(
                f"The database of {name} in {source.folder} cannot be used ({self._due[name]}), and there is "
                "no source for another.",
                next_step="allow the network (online), or name a file",
            )
        try:
            source.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".rampart-new-", dir=source.folder) as place:
                new = Path(place)
                if name == "grype":
                    self._bring_grype(source, new)
                else:
                    self._bring_trivy(name, source, new)
                self._check(name, new)
                self._exchange(name, source, new)
        except OSError as error:
            raise RampartError(
                f"Could not write the database of {name} to {source.folder}: {error.strerror}.",
                next_step="free space or make the folder writable, then run again",
            ) from error

    def _check(self, name: str, new: Path) -> None:
        try:
            self._read(name, new, datetime.now(UTC))
        except ScannerError as error:
            raise RampartError(
                f"What was brought is no database of {name}: {error.said}. The one in use stays.",
                next_step="check the file or the mirror",
            ) from error

    def _exchange(self, name: str, source: Source, new: Path) -> None:
        part = PARTS[name]
        old = new / "replaced"
        if (source.folder / part).exists():
            (source.folder / part).rename(old)
        (new / part).rename(source.folder / part)
        marker = source.folder / f"{part}.from"
        if source.file is None:
            marker.unlink(missing_ok=True)
        else:
            marker.write_text(_mark(name, source.file))

    def _cli(self, source: Source, place: Path, **environment: str) -> Cli:
        reach = {variable: os.environ[variable] for variable in TO_REGISTRIES if variable in os.environ}
        home = {"HOME": str(place), "XDG_CACHE_HOME": str(place)}
        return Cli(source.program, environment={**reach, **home, **environment}, timeout=self.timeout)

    def _bring_trivy(self, name: str, source: Source, new: Path) -> None:
        if source.file is not None:
            target = new / PARTS[name]
            target.mkdir()
            if source.file.is_dir():
                for file in FILES[name]:
                    shutil.copyfile(source.file / file, target / file)
            else:
                take(source.file, {file: file for file in FILES[name]}, target)
            return
        only, mirror = WORDS[name]
        repository = [f"{mirror}={source.address}"] if source.address else []
        self._cli(source, new).run("image", only, f"--cache-dir={new}", *repository)

    def _bring_grype(self, source: Source, new: Path) -> None:
        mirror = {"GRYPE_DB_UPDATE_URL": source.address} if source.address else {}
        cli = self._cli(
            source, new, GRYPE_DB_CACHE_DIR=str(new), GRYPE_CHECK_FOR_APP_UPDATE="false", **mirror
        )
        if source.file is not None:
            cli.run("db", "import", str(source.file))
        else:
            cli.run("db", "update")


def _mark(name: str, file: Path) -> str:
    """Name the bytes of a file, or of a folder's files, as the kernel knows them."""
    files = [file / part for part in FILES[name]] if file.is_dir() and name in FILES else [file]
    try:
        states = [path.stat() for path in files]
    except OSError as error:
        raise RampartError(
            f"Could not read {file}: {error.strerror}.", next_step="correct the path or its permissions"
        ) from error
    return "\n".join(f"{one.st_dev}:{one.st_ino}:{one.st_size}:{one.st_mtime_ns}" for one in states)
