# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads the audit log of an API server from where the last run ended, over all its rotated files.

A file is known by its first line: that stays the same when it is renamed and when it is compressed.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# The API server bounds a request; an event with request and response stays below that.
LONGEST_LINE = 16 << 20


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where reading goes on: the file by its first line, and how far it was read."""

    first: str = ""
    offset: int = 0

    @classmethod
    def of(cls, text: str, path: Path) -> Bookmark:
        """Read what a run has left."""
        try:
            said = json.loads(text)
            return cls(str(said["first"]), int(said["offset"]))
        except (ValueError, KeyError, TypeError) as error:
            raise RampartError(
                f"The bookmark {path} cannot be understood, so nobody knows what was told.",
                next_step="remove it to begin with the current audit log again",
                path=str(path),
            ) from error

    @property
    def text(self) -> str:
        """Return what stands in its file."""
        return json.dumps({"first": self.first, "offset": self.offset}) + "\n"


@dataclass(slots=True)
class AuditLog:
    """One reading; ``bookmark`` moves with every line that was taken."""

    path: Path
    bookmark: Bookmark
    # Whether the file with the bookmark is gone, and lines with it that nobody has read.
    lost: bool = False
    lines: int = 0
    unreadable: int = 0
    _opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield each whole event that was not read yet."""
        with self._opened:
            for first, stream in self._from_bookmark(self._files()):
                yield from self._of_file(first, stream)

    def _of_file(self, first: str, stream: IO[bytes]) -> Iterator[dict[str, Any]]:
        offset = self.bookmark.offset if first == self.bookmark.first else 0
        try:
            stream.seek(offset)
            while True:
                line = stream.readline(LONGEST_LINE)
                # What is half written is whole the next time.
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                self.bookmark = Bookmark(first, offset)
                self.lines += 1
                event = _event(line)
                if event is None:
                    self.unreadable += 1
                else:
                    yield event
        except (OSError, EOFError, zlib.error) as error:
            raise RampartError(
                f"Could not read the audit log {self.path}: {getattr(error, 'strerror', None) or error}.",
                next_step="correct the file or its permissions; the next run goes on from here",
                path=str(self.path),
            ) from error

    def _from_bookmark(self, files: list[tuple[str, IO[bytes]]]) -> list[tuple[str, IO[bytes]]]:
        if not self.bookmark.first:
            # What was rotated away before anybody looked is history.
            return files[-1:]
        known = [number for number, (first, _stream) in enumerate(files) if first == self.bookmark.first]
        self.lost = not known
        return files[known[0] :] if known else files

    def _files(self) -> list[tuple[str, IO[bytes]]]:
        """Open all files, the oldest first.

        The current one is opened first: if it is rotated meanwhile, it is met again under its other name, and
        the next run finds the new one.
        """
        current = self._open(self.path)
        if current is None:
            raise RampartError(
                f"There is no audit log {self.path}.",
                next_step="name the file that the API server writes (--audit-log-path)",
                path=str(self.path),
            )
        found: dict[str, IO[bytes]] = {}
        old = self.path.parent.glob(f"{self.path.stem}-*")
        names = {each.name.removesuffix(".gz") for each in old}
        for name in sorted(name for name in names if name.endswith(self.path.suffix)):
            # While one is compressed, both are there, and only the plain one is whole.
            plain = self.path.parent / name
            opened = self._open(plain) or self._open(plain.with_name(f"{name}.gz"))
            if opened and opened[0]:
                found.setdefault(*opened)
        if current[0]:
            found.setdefault(*current)
        return list(found.items())

    def _open(self, path: Path) -> tuple[str, IO[bytes]] | None:
        """Open one file and know it by its first line; empty where it has none yet."""
        try:
            stream: IO[bytes] = self._opened.enter_context(path.open("rb"))
            if path.suffix == ".gz":
                stream = cast(IO[bytes], self._opened.enter_context(gzip.GzipFile(fileobj=stream)))
            line = stream.readline(LONGEST_LINE)
        except FileNotFoundError:
            return None
        except (OSError, EOFError, zlib.error) as error:
            raise RampartError(
                f"Could not read {path}: {getattr(error, 'strerror', None) or error}.",
                next_step="correct the file or its permissions",
                path=str(path),
            ) from error
        return (hashlib.sha256(line).hexdigest() if line.endswith(b"\n") else ""), stream


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    known = isinstance(event, dict) and str(event.get("apiVersion", "")).startswith("audit.k8s.io/")
    return event if known and event.get("auditID") else None
