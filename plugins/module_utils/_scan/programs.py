# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which scanner programs are here, in which version, and whether they are the ones that are meant."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import Adapter
from ansible_collections.rampart.k8s.plugins.module_utils._scan.storage import Cache
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble
from ansible_collections.rampart.k8s.plugins.module_utils._tools.version import accepts

CHUNK = 1024 * 1024
VERSION_SECONDS = 30.0

# A program written this shortly ago could be written again within the same tick of its clock.
SETTLED_NANOSECONDS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Program:
    """A scanner that may be run."""

    path: Path
    version: str


def find(adapter: Adapter, given: str, wanted_sum: str, cache: Cache) -> Program:
    """Find a scanner and hold it against what it should be; raises ScannerError when it is not.

    What was asked of a program is remembered by inode, size and times, so that a run that needs no
    scanner starts none.
    """
    found = shutil.which(given)
    if found is None:
        raise ScannerError(Trouble.MISSING, f"there is no program {given}")
    path = Path(os.path.realpath(found))
    status = path.stat()
    identity = (
        f"{path}:{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
    )
    settled = time.time_ns() - status.st_ctime_ns > SETTLED_NANOSECONDS
    if wanted_sum:
        actual = cache.recall(f"sum:{identity}") or _sum(path)
        if actual != wanted_sum:
            raise ScannerError(Trouble.WRONG_SUM, f"{path} has the sum {actual}, and {wanted_sum} is wanted")
        if settled:
            cache.remember(f"sum:{identity}", actual)
    version = cache.recall(f"version:{identity}")
    if not isinstance(version, str):
        version = _version(adapter, path)
        if settled:
            cache.remember(f"version:{identity}", version)
    if not _accepted(adapter, version):
        said = f"{path} is {version}" if version else f"{path} does not tell its version"
        raise ScannerError(Trouble.WRONG_VERSION, f"{said}, and {adapter.versions} is read here")
    return Program(path, version)


def _accepted(adapter: Adapter, version: str) -> bool:
    try:
        return bool(version) and accepts(adapter.versions, version)
    except RampartError:
        return False


def _version(adapter: Adapter, path: Path) -> str:
    try:
        done = Cli(str(path), timeout=VERSION_SECONDS).run(*adapter.version_arguments, accept=range(256))
    except RampartError as error:
        raise ScannerError(Trouble.CRASHED, f"it does not tell its version: {error.message}") from error
    if done.rc != 0:
        raise ScannerError(Trouble.CRASHED, f"it does not tell its version, it ends with code {done.rc}")
    return adapter.read_version(done.stdout)


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()
