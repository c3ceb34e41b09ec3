# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The key of the fingerprints: the same credential must have the same fingerprint in every run."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic

BYTES = 32


def read(path: str | None, *, check_mode: bool) -> bytes:
    """Return the key; make the file when there is none, and a key for this run only in check mode."""
    if path is None:
        return secrets.token_bytes(BYTES)
    file = Path(path)
    if not file.exists():
        key = secrets.token_bytes(BYTES)
        if not check_mode:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(file, key.hex().encode() + b"\n")
        return key
    try:
        if file.stat().st_mode & 0o077:
            raise RampartError(
                f"Others may read the key of fingerprints {file}.",
                next_step=f"chmod 600 {file}",
                path=path,
            )
        # O_NOFOLLOW: whoever could plant a link here could choose the key.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
            key = bytes.fromhex(stream.read().decode().strip())
    except (OSError, ValueError) as error:
        raise RampartError(
            f"The key of fingerprints {file} cannot be read ({type(error).__name__}).",
            next_step="restore it; with another key no fingerprint of the baseline fits any more",
            path=path,
        ) from error
    if len(key) < BYTES:
        raise RampartError(
            f"The key of fingerprints {file} is shorter than {BYTES} bytes.",
            next_step="restore it, or make another one with: openssl rand -hex 32",
            path=path,
        )
    return key
