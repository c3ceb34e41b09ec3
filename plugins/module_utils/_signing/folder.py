# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The key ring as files: the ring itself, and encrypted private keys beside it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import TEMPORARY_PREFIX, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._signing import keyring
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import Key, Ring

RING = "keyring.json"
FILE = "file:"
NAME_LENGTH = 16
# Only what is named like this is ever removed: other keys may lie in the same folder.
NAME = re.compile(r"signing-[0-9a-f]{16}\.key")


class KeyFolder:
    """A folder with ``keyring.json`` and ``signing-<key>.key``; only the ring is needed to verify."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def path(self) -> Path:
        return self.folder / RING

    def ring(self) -> Ring:
        """Read the ring; a folder without one has no keys yet."""
        return read_ring(self.path) if self.path.exists() else Ring()

    def write(self, ring: Ring) -> None:
        # What is public must be readable by whoever verifies; the folder decides who may write.
        write_atomic(self.path, json.dumps(ring.data(), indent=2, sort_keys=True).encode(), mode=0o644)

    def keep(self, private_key: bytes, identity: str) -> str:
        """Store an encrypted private key and return its source."""
        name = f"signing-{identity.removeprefix('sha256:')[:NAME_LENGTH]}.key"
        write_atomic(self.folder / name, private_key)
        return f"{FILE}{name}"

    def reference(self, key: Key) -> str:
        """Return what cosign calls the private key."""
        if not key.source:
            raise RampartError(
                f"Only the public part of the active key {key.id} is known here.",
                next_step="sign where the private key is",
                key=key.id,
            )
        if not key.source.startswith(FILE):
            return key.source
        path = self.folder / key.source.removeprefix(FILE)
        if not path.exists():
            raise RampartError(
                f"The private key {path} is gone.",
                next_step="restore it from a backup, or replace the key (signing_keys with replace)",
                key=key.id,
            )
        return str(path)

    def leftovers(self, ring: Ring) -> list[Path]:
        """Find private keys that no ring knows: a killed run made them, and they signed nothing."""
        if not self.folder.is_dir():
            return []
        known = {key.source.removeprefix(FILE) for key in ring.keys}
        strangers = [
            path for path in self.folder.iterdir() if NAME.fullmatch(path.name) and path.name not in known
        ]
        return sorted([*strangers, *self.folder.glob(f"{TEMPORARY_PREFIX}*")])

    def sweep(self, ring: Ring) -> None:
        for path in self.leftovers(ring):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def read_ring(path: Path) -> Ring:
    """Read a ring that must be there."""
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise RampartError(
            f"Could not read the key ring {path}: {error.strerror}.",
            next_step="make the keys first (rampart.k8s.signing_keys), or correct the path",
            path=str(path),
        ) from error
    except ValueError as error:
        raise RampartError(
            f"The key ring {path} is not JSON.",
            next_step="restore it from a backup; without it no signature is accepted",
            path=str(path),
        ) from error
    return keyring.read(data, str(path))
