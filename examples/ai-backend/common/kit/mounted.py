# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads mounted files again when they change.

Kubernetes swaps all files of a Secret in one step, by the link ``..data``. So the files of one folder
are read through where that link points at one moment: never a user of before with a password of after.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar, cast

Value = TypeVar("Value")
Parse = Callable[[Mapping[str, bytes]], Value]

LINK = "..data"
# What is mounted for an application is small; anything else is a mistake.
LARGEST = 1024 * 1024

_log = logging.getLogger(__name__)


class MountError(Exception):
    """What is mounted is not there, or cannot be used."""


class Mounted(Generic[Value]):
    """The files of one mounted folder, turned into a value.

    A change that cannot be used keeps the value of before and is logged; at the beginning there is none to
    keep, and the error is the caller's. ``names`` may be empty: then all files of the folder count.
    """

    def __init__(self, folder: Path, names: Sequence[str], parse: Parse[Value]) -> None:
        self._folder = folder
        self._names = tuple(names)
        self._parse = parse
        self._seen = ""
        self._value: Value | None = None
        self.version = 0

    def value(self) -> Value:
        """Return the current value. It costs one look at the files when nothing changed."""
        try:
            files = self._read()
            seen = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
            if seen != self._seen:
                self._value = self._parse(files)
                self._seen = seen
                self.version += 1
                _log.info("mounted files read", extra={"folder": str(self._folder), "version": self.version})
        except (MountError, OSError, ValueError) as error:
            # The text of an error could hold a part of a secret.
            if self._value is None:
                raise MountError(f"{self._folder} cannot be used ({type(error).__name__})") from None
            _log.error(
                "changed files cannot be used, those of before are kept",
                extra={"folder": str(self._folder), "error": type(error).__name__},
            )
        return cast(Value, self._value)

    def _read(self) -> dict[str, bytes]:
        folder = self._folder / LINK
        folder = folder.resolve(strict=True) if folder.is_symlink() else self._folder
        names = self._names or tuple(
            sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        )
        files = {}
        for name in names:
            with (folder / name).open("rb") as stream:
                files[name] = stream.read(LARGEST + 1)
            if len(files[name]) > LARGEST:
                raise MountError(f"{name} is too large")
        return files


def text(content: bytes) -> str:
    """Read one value; editors and kubectl leave a line end that is no part of it."""
    found = content.decode().strip()
    if not found:
        raise ValueError("empty")
    return found
