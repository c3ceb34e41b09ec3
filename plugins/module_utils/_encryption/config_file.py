# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The file of an EncryptionConfiguration: read whole and judged, written whole under a lock or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import leftovers, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import document
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import Configuration, from_data
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.validation import validate

MODE = 0o600

HEAD = "# Made by rampart.k8s. It holds keys: losing it loses the data, showing it shows the data.\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that was there and is valid."""

    content: bytes
    mode: int
    configuration: Configuration

    @property
    def hash(self) -> str:
        """The name that an API server has for this content."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One file; the redactor learns each key that is met in it."""

    path: Path
    redactor: Redactor

    def read(self) -> Seen | None:
        """Return what the file holds, None when there is none; one that breaks a rule is an error."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RampartError(
                f"Could not read the encryption configuration {self.path}: {error.strerror}.",
                next_step="run on the API server's machine as root, and give the path of a regular file; "
                "links are not followed",
                path=str(self.path),
            ) from error
        with os.fdopen(handle, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & 0o7777
            content = stream.read(document.MAXIMUM_BYTES + 1)
        refuse(content, f"The existing encryption configuration {self.path} is not valid")
        configuration = from_data(document.read(content).data)
        for key in configuration.all_keys():
            self.redactor.add(*key.forms())
        return Seen(content, mode, configuration)

    def require(self) -> Seen:
        """Return what the file holds; without one there is nothing to go by."""
        seen = self.read()
        if seen is None:
            raise RampartError(
                f"The encryption configuration {self.path} does not exist.",
                next_step="correct its path, or make it first (rampart.k8s.encryption_config)",
                path=str(self.path),
            )
        return seen

    def write(self, content: bytes) -> None:
        """Replace the file in one step; what the API server would refuse never gets there."""
        refuse(content, f"This would be no valid configuration for {self.path}", in_file=False)
        write_atomic(self.path, content, mode=MODE)

    @contextlib.contextmanager
    def only_writer(self) -> Iterator[None]:
        """Wait until no other run writes, and clear away what a killed one left half-written."""
        folder = self.path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise RampartError(
                f"Could not use the folder {folder}: {error.strerror}.",
                next_step="make it a writable folder, then run again",
                path=str(self.path),
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            for leftover in leftovers(self.path):
                # It holds a key, and nobody else writes now.
                leftover.unlink(missing_ok=True)
            yield
        finally:
            os.close(handle)


def render(configuration: Configuration) -> bytes:
    """Return the file's content."""
    text = yaml.safe_dump(configuration.as_data(), sort_keys=False, default_flow_style=False)
    return (HEAD + text).encode()


def refuse(content: bytes, what: str, *, in_file: bool = True) -> None:
    """Raise the first problem; a line is told only of a file that the person can open."""
    problems = validate(document.read(content))
    if problems:
        raise RampartError(
            f"{what}: {problems[0] if in_file else f'{problems[0].path}: {problems[0].reason}'}"
            + (f" (and {len(problems) - 1} more)." if problems[1:] else "."),
            next_step="correct what is named; the file was not touched",
            problems=[
                {"path": problem.path, "line": problem.line, "reason": problem.reason} for problem in problems
            ],
        )
