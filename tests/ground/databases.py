# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the offline databases of grype and trivy: one of today, one that is too old, one that is damaged."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.ground import grype_db, trivy_db
from tests.ground.advisories import advisories, ended_releases
from tests.ground.packages import alone, build, fingerprint, run

# Older than every limit that the scanners and the policy know.
STALE_DAYS = 30
# Below grype's limit of five days, so that a kept database is never refused for its age.
KEPT = datetime.timedelta(hours=20)
# The first two pages of a bbolt file say where the others are.
LEFT_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Databases:
    """A pair of databases, as the caches that the tools read and as the files that operators carry."""

    built: str
    grype_cache: Path
    grype_file: Path
    trivy_cache: Path
    trivy_file: Path

    def as_data(self) -> dict[str, str]:
        return {"built": self.built, "grype_cache": str(self.grype_cache), "grype_file": str(self.grype_file),
                "trivy_cache": str(self.trivy_cache), "trivy_file": str(self.trivy_file)}  # fmt: skip


def tool(name: str) -> str:
    """Return a program that the role rampart.k8s.tools brought, or one from the PATH."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = shutil.which(name, path=f"{cache}/rampart/bin:{os.environ.get('PATH', '')}")
    if not found:
        raise RuntimeError(f"{name} is not here: ansible-playbook playbooks/tools.yml brings it")
    return found


def _import(file: Path, cache: Path, *, any_age: bool) -> None:
    environment = {
        **os.environ,
        "GRYPE_DB_CACHE_DIR": str(cache),
        "GRYPE_DB_AUTO_UPDATE": "false",
        "GRYPE_DB_VALIDATE_AGE": str(not any_age).lower(),
        "GRYPE_CHECK_FOR_APP_UPDATE": "false",
    }
    run([tool("grype"), "db", "import", str(file)], folder=file.parent, environment=environment)


def _pair(folder: Path, built: datetime.datetime, bolt: Path, *, any_age: bool = False) -> Databases:
    folder.mkdir(parents=True)
    made = _paths(folder, built)
    grype_db.write(made.grype_file, advisories(), ended_releases(), built)
    _import(made.grype_file, made.grype_cache, any_age=any_age)
    trivy_db.write(made.trivy_cache / "db", advisories(), built, bolt=bolt)
    with tarfile.open(made.trivy_file, "w:gz") as tar:
        for name in ("trivy.db", "metadata.json"):
            tar.add(made.trivy_cache / "db" / name, name)
    return made


def _paths(folder: Path, built: datetime.datetime) -> Databases:
    return Databases(
        f"{built:%Y-%m-%dT%H:%M:%SZ}",
        folder / "grype", folder / "vulnerability.db", folder / "trivy", folder / "trivy-db.tar.gz",
    )  # fmt: skip


def _damage(good: Databases, folder: Path, built: datetime.datetime) -> Databases:
    """Copy a pair and leave only the beginning of its files, as a broken transfer does."""
    made = _paths(folder, built)
    shutil.copytree(good.grype_cache.parent, folder)
    for file in (
        made.grype_cache / "6/vulnerability.db",
        made.trivy_cache / "db/trivy.db",
        made.grype_file,
        made.trivy_file,
    ):
        # A half would not do: the second one of a small bbolt file is empty, and trivy reports as ever.
        os.truncate(file, min(LEFT_BYTES, file.stat().st_size // 2))
    return made


def build_databases(work: Path, now: datetime.datetime | None = None) -> dict[str, Databases]:
    """Make sure that the databases are below ``work``; those of today are made anew each day."""
    now = now or datetime.datetime.now(datetime.UTC)
    target = work / "databases"
    stamp = target / "built.json"
    with alone(work):
        mark = fingerprint("bolt")
        if stamp.exists():
            kept = json.loads(stamp.read_text())
            built = datetime.datetime.fromisoformat(kept["now"])
            if kept["fingerprint"] == mark and datetime.timedelta() <= now - built < KEPT:
                return _all(target, built)
        shutil.rmtree(target, ignore_errors=True)
        bolt = work / "programs" / "bolt"
        bolt.parent.mkdir(parents=True, exist_ok=True)
        build("bolt", bolt)
        now = now.replace(microsecond=0)
        old = now - datetime.timedelta(days=STALE_DAYS)
        good = _pair(target / "current", now, bolt)
        _pair(target / "stale", old, bolt, any_age=True)
        _damage(good, target / "corrupt", now)
        stamp.write_text(json.dumps({"now": now.isoformat(), "fingerprint": mark}))
        return _all(target, now)


def _all(target: Path, now: datetime.datetime) -> dict[str, Databases]:
    old = now - datetime.timedelta(days=STALE_DAYS)
    return {
        "current": _paths(target / "current", now),
        "stale": _paths(target / "stale", old),
        "corrupt": _paths(target / "corrupt", now),
    }
