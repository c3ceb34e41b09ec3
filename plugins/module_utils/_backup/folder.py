# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The folder of backups: snapshots with their manifests, and nothing else that stays."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._backup import manifest
from ansible_collections.rampart.k8s.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import (
    TEMPORARY_PREFIX,
    sweep_temporary,
    write_atomic,
)

MODE = 0o600
SNAPSHOTS = "etcd-*.db"
# Another run takes or proves a backup for less than this.
PATIENCE = 120.0
SCRATCH = f"{TEMPORARY_PREFIX}restored-"


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the backups of one cluster lie."""

    path: Path

    def refuse_below(self, root: str | None) -> None:
        """Refuse a place that is lost together with what it is to save."""
        if root is None:
            return
        place, lost = self.path.resolve(), Path(root).resolve()
        if place == lost or lost in place.parents:
            raise RampartError(
                f"The backup would lie in {place}, below {lost}, and be lost with it.",
                next_step="name a folder elsewhere, best on another disk",
                path=str(place),
            )

    def make(self) -> None:
        """Make the folder; only its owner may look into it."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RampartError(
                f"Could not make the folder of backups {self.path}: {error.strerror}.",
                next_step="name a folder that can be made",
                path=str(self.path),
            ) from error

    def newest(self) -> Manifest | None:
        """Return the newest backup; a snapshot without its manifest is none."""
        found = sorted(self.path.glob(SNAPSHOTS), reverse=True)
        for snapshot in found:
            beside = snapshot.with_name(manifest.manifest_name(snapshot.name))
            try:
                with beside.open("rb") as stream:
                    read = Manifest.load(stream.read(manifest.MOST_BYTES + 1), str(beside))
            except FileNotFoundError:
                # Its run was killed before it was whole.
                continue
            except OSError as error:
                raise RampartError(
                    f"Could not read {beside}: {error.strerror}.",
                    next_step="run as the user who took the backup",
                    path=str(beside),
                ) from error
            if read.snapshot != snapshot.name:
                raise RampartError(
                    f"{beside} is the manifest of {read.snapshot}.",
                    next_step="remove it with its snapshot",
                    path=str(beside),
                )
            return read
        return None

    def keep(self, partial: Path, made: Manifest) -> None:
        """Give a finished snapshot its name; the manifest comes last, and makes a backup of it."""
        target = self.path / made.snapshot
        partial.chmod(MODE)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
        # It also brings the folder to the disk.
        write_atomic(self.path / manifest.manifest_name(made.snapshot), made.dump(), mode=MODE)

    def sweep(self) -> None:
        """Remove what killed runs left: parts of snapshots, restored copies, snapshots without a manifest."""
        for scratch in self.path.glob(f"{SCRATCH}*"):
            shutil.rmtree(scratch, ignore_errors=True)
        sweep_temporary(self.path)
        for snapshot in self.path.glob(SNAPSHOTS):
            if not snapshot.with_name(manifest.manifest_name(snapshot.name)).exists():
                snapshot.unlink(missing_ok=True)

    def surplus(self, keep: int, *, coming: int = 0) -> list[str]:
        """Return the backups that are more than are kept, when some more come."""
        return manifest.surplus([path.name for path in self.path.glob(SNAPSHOTS)], keep - coming)

    def remove(self, names: list[str]) -> None:
        """Remove backups; a manifest without its snapshot would be of nothing, so it goes first."""
        for name in names:
            (self.path / manifest.manifest_name(name)).unlink(missing_ok=True)
            (self.path / name).unlink(missing_ok=True)


def sum_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
