# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads how old a scanner's database is from the database itself, for all scanners alike.

trivy scans with a database of any age when it may not update, and grype's limit is its own: only
what is read here decides, by the policy.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import Database

# A clock may be a little wrong; a database of tomorrow would never grow old.
SKEW = timedelta(hours=1)

GRYPE_MODEL = 6
TRIVY_MODEL = 2
JAVA_MODEL = 1

GRYPE_QUESTION = "select build_timestamp, model, revision, addition from db_metadata"


def trivy(folder: Path, now: datetime) -> Database:
    """Read trivy's database below its cache folder."""
    return _of_trivy(folder / "db", "trivy.db", TRIVY_MODEL, now)


def java(folder: Path, now: datetime) -> Database:
    """Read the database by which trivy knows Java archives."""
    return _of_trivy(folder / "java-db", "trivy-java.db", JAVA_MODEL, now)


def _of_trivy(folder: Path, name: str, model: int, now: datetime) -> Database:
    listing, data = _there(folder / "metadata.json"), _there(folder / name)
    try:
        found = json.loads(listing.read_bytes())
        version, built = int(found["Version"]), _time(str(found["UpdatedAt"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ScannerError(Trouble.CORRUPT_DATABASE, f"{listing} cannot be read") from error
    if version != model:
        raise ScannerError(Trouble.CORRUPT_DATABASE, f"it is of model {version}, not {model}")
    return _database(f"{version}-{_mark(data)}", built, now)


def grype(folder: Path, now: datetime) -> Database:
    """Read grype's database below its cache folder."""
    data = _there(folder / str(GRYPE_MODEL) / "vulnerability.db")
    _there(data.with_name("import.json"))
    try:
        with closing(
            sqlite3.connect(f"{data.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as database:
            row = database.execute(
                "select build_timestamp, model, revision, addition from db_metadata"
            ).fetchone()
        built = _time(str(row[0]))
        numbers = [int(number) for number in row[1:]]
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise ScannerError(Trouble.CORRUPT_DATABASE, f"{data} cannot be read ({error})") from error
    if numbers[0] != GRYPE_MODEL:
        raise ScannerError(Trouble.CORRUPT_DATABASE, f"it is of model {numbers[0]}, not {GRYPE_MODEL}")
    return _database(f"{'.'.join(map(str, numbers))}-{_mark(data)}", built, now)


READERS: dict[str, Callable[[Path, datetime], Database]] = {"trivy": trivy, "java": java, "grype": grype}


def _there(path: Path) -> Path:
    if not path.is_file():
        raise ScannerError(Trouble.NO_DATABASE, f"there is no {path}")
    return path


def _mark(path: Path) -> str:
    """Tell one build from another of the same day: a database is replaced as a whole."""
    status = path.stat()
    return f"{status.st_size:x}-{status.st_mtime_ns:x}"


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _database(version: str, built: datetime, now: datetime) -> Database:
    if built - now > SKEW:
        raise ScannerError(
            Trouble.CORRUPT_DATABASE, f"it says that it was built in the future ({built:%Y-%m-%d})"
        )
    return Database(version, built.astimezone(UTC).replace(microsecond=0))
