# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Sums of files, and the error that every wrong sum ends in."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


def sha256_file(path: str | Path) -> str:
    """Return the sha256 of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def require(path: str | Path, expected: str, *, what: str, next_step: str, actual: str = "") -> None:
    """Raise RampartError naming both sums and the file, unless they are equal."""
    actual = actual or sha256_file(path)
    if actual != expected:
        raise RampartError(
            f"{what} has the wrong sha256: expected {expected}, found {actual}. It is not used.",
            next_step=next_step,
            path=str(path),
            expected_sha256=expected,
            actual_sha256=actual,
        )
