# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What is kept between runs: reports by digest, what was measured of files, the clocks, the trend.

Everything in the cache only saves time and may be removed. The clocks and the trend are state: a
clock that cannot be read is an error, since a new one would give every vulnerability its time anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import leftovers, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._scan import clock
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import Clock
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Report

# A report that nobody asked for is dropped after this.
KEPT_SECONDS = 60 * 24 * 3600
POLL_SECONDS = 0.2
WORK_PREFIX = "rampart-scan-"
SETTLED_SECONDS = 60.0
MOST_POINTS = 400
MOST_MEMORIES = 5000


def make_private(folder: Path) -> Path:
    """Make a folder that only its owner reads, and refuse one that others can write to."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise RampartError(
            f"Could not make {folder}: {error.strerror}.", next_step="choose a folder that you may write to"
        ) from error
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise RampartError(
            f"Others can write to {folder}, so what lies there cannot be trusted.",
            next_step="make it yours (chown, chmod 0700), or choose another folder",
        )
    return folder


def _save(path: Path, data: Any, *, durable: bool) -> None:
    for leftover in leftovers(path):
        leftover.unlink(missing_ok=True)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomic(path, (json.dumps(data, sort_keys=True) + "\n").encode(), durable=durable)


class Cache:
    """Reports and measurements; without ``write`` nothing of it is changed."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        self.folder = folder
        self._write = write
        self._memo: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        self._new = False
        with contextlib.suppress(OSError, ValueError):
            memo = json.loads((folder / "memo.json").read_bytes())
            self._memo = memo if isinstance(memo, dict) else {}

    def recall(self, key: str) -> Any:
        """Return what was measured before; None when it was not."""
        found = self._memo.get(key)
        if found is not None:
            self._used[key] = found
        return found

    def remember(self, key: str, value: Any) -> None:
        """Keep a measurement for the next run."""
        self._new = self._new or self._memo.get(key) != value
        self._memo[key] = self._used[key] = value

    def save(self) -> None:
        """Write the measurements, the newest last; old ones go first when there are too many."""
        if self._write and self._new:
            others = {name: value for name, value in self._memo.items() if name not in self._used}
            memo = dict([*others.items(), *self._used.items()][-MOST_MEMORIES:])
            _save(self.folder / "memo.json", memo, durable=False)

    def _path(self, digest: str, scanner: str) -> Path:
        return self.folder / "reports" / digest.partition(":")[2] / f"{scanner}.json"

    def report(self, digest: str, scanner: str, key: str) -> Report | None:
        """Return a report that was made of exactly this, by exactly this."""
        path = self._path(digest, scanner)
        try:
            kept = json.loads(path.read_bytes())
            if kept["key"] != key:
                return None
            found = Report.of(kept["report"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if self._write:
            with contextlib.suppress(OSError):
                os.utime(path)
        return found

    def keep(self, digest: str, key: str, report: Report) -> None:
        """Keep a report."""
        if self._write:
            kept = {"key": key, "report": report.as_data()}
            _save(self._path(digest, report.scanner), kept, durable=False)

    def drop_old(self) -> None:
        """Remove reports of images that are long gone."""
        if not self._write:
            return
        limit = time.time() - KEPT_SECONDS
        for path in (self.folder / "reports").glob("*/*.json"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < limit:
                    path.unlink()

    @contextlib.contextmanager
    def work(self) -> Iterator[Path]:
        """Lend a private folder. What a killed run left of its own is cleared away."""
        parent = make_private(self.folder) if self._write else Path(tempfile.gettempdir())
        if self._write:
            _sweep(parent)
        with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=parent) as name:
            folder = Path(name)
            # Held for as long as this run lives: how another run knows that it is no leftover.
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield folder
            finally:
                os.close(handle)

    @contextlib.contextmanager
    def alone(self, name: str, timeout: float) -> Iterator[None]:
        """Wait until no other run uses a part of the cache that only one may use at a time."""
        if not self._write:
            yield
            return
        handle = os.open(
            make_private(self.folder) / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            deadline = time.monotonic() + timeout
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise RampartError(
                            f"Another run has used {name} for more than {timeout:g} s.",
                            next_step="wait until it has ended, then run again",
                        ) from None
                    time.sleep(POLL_SECONDS)
            yield
        finally:
            os.close(handle)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{WORK_PREFIX}*"):
        try:
            # One that was only just made may not be held yet.
            if time.time() - folder.lstat().st_mtime < SETTLED_SECONDS:
                continue
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(handle)


class State:
    """The clocks and the trend of every line of images."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, line: str) -> Path:
        # Two lines that look alike as files stay two.
        mark = hashlib.sha256(line.encode()).hexdigest()[:12]
        return self._folder / "lines" / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', line)[:80]}-{mark}.json"

    def read(self, line: str) -> tuple[Clock, list[dict[str, Any]]]:
        """Read the clock and the trend of a line; one that was never judged has neither."""
        path = self._path(line)
        try:
            data = json.loads(path.read_bytes())
            return clock.of(data["sightings"]), [dict(point) for point in data["points"]]
        except FileNotFoundError:
            return Clock(), []
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise RampartError(
                f"{path} cannot be read, so nobody knows since when the vulnerabilities of its images are "
                "known.",
                next_step="put it back from a backup; removing it starts the clock anew",
                path=str(path),
            ) from error

    def save(self, line: str, now: Clock, point: dict[str, Any]) -> list[dict[str, Any]]:
        """Write both after a verdict; a day has one point, its last."""
        before, old = self.read(line)
        points = [*(one for one in old if one.get("day") != point["day"]), point][-MOST_POINTS:]
        if (before, old) != (now, points) or not self._path(line).exists():
            data = {"line": line, "sightings": now.as_data(), "points": points}
            _save(self._path(line), data, durable=True)
        return points

    @contextlib.contextmanager
    def only_writer(self) -> Iterator[None]:
        """Hold off other runs between reading a clock and writing it."""
        make_private(self._folder)
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
