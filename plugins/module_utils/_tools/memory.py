# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What is remembered of files between runs, so that unchanged bytes are not hashed again.

Hashing every cached program takes a second per gigabyte on each run. The memory holds, for each
file that was hashed, what the kernel says of it: device, inode, size, time of the last change of
its content and of the inode. The last one (ctime) cannot be set by a program: whoever writes to,
replaces, renames or chmods a file moves it. While all of them are equal, the bytes are those that
were hashed; when one differs, the file is hashed again. What this does not see is a disk that
changes bytes by itself and somebody who writes to the raw disk or turns the clock:
``verify=full`` hashes everything and sees these too.

Whoever can write to the cache's folder as its owner can rewrite programs, manifests and memory
alike; no sum kept beside the file can help there. The folder is therefore refused when others
can write to it.
"""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._tools.sums import sha256_file

FORMAT = 1

# A write within the same tick of the kernel's clock as the hash would not move the ctime.
RACY_SECONDS = 0.05


def _mark(found: os.stat_result) -> list[int]:
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def require_private(folder: Path) -> None:
    """Refuse a cache that somebody else can write to: its sums would prove nothing."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise RampartError(
            f"The tools cache {folder} can be written by other users "
            f"(owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o}), so nothing in it "
            "can be trusted.",
            next_step=f"make it yours alone (chmod go-w {folder}, chown) or choose another tools_cache_dir",
            path=str(folder),
        )


class Memory:
    """Sums and versions by file, valid for as long as the kernel says that the file is the same."""

    def __init__(self, path: Path, *, full: bool = False) -> None:
        self._path = path
        self._full = full
        self._dirty = False
        self._files: dict[str, dict[str, Any]] = {}
        try:
            known = json.loads(path.read_bytes())
            if known["format"] == FORMAT:
                self._files = dict(known["files"])
        except (OSError, ValueError, KeyError, TypeError):
            # No memory, or not a readable one: everything is hashed once more.
            self._files = {}

    def _entry(self, path: Path) -> dict[str, Any]:
        """Return what is known of a file as it is now."""
        mark = _mark(path.stat())
        entry = self._files.get(str(path))
        if isinstance(entry, dict) and entry.get("mark") == mark:
            return entry
        fresh = {"mark": mark}
        if time.time_ns() - mark[4] > RACY_SECONDS * 1e9:
            self._files[str(path)] = fresh
            self._dirty = True
        return fresh

    def sha256(self, path: Path) -> str:
        """Return the sha256 of a file, hashing it only when it may have changed."""
        entry = self._entry(path)
        if self._full or not isinstance(entry.get("sha256"), str):
            entry["sha256"] = sha256_file(path)
            self._dirty = True
        return str(entry["sha256"])

    def said(self, path: Path, question: str) -> str | None:
        """Return what a program said when it was asked this before, unless it has changed since."""
        answer = self._entry(path).get("said", {}).get(question)
        return answer if isinstance(answer, str) else None

    def remember_said(self, path: Path, question: str, answer: str) -> None:
        """Remember what a program said."""
        self._entry(path).setdefault("said", {})[question] = answer
        self._dirty = True

    def save(self) -> None:
        """Write the memory if it changed; entries of files that are gone are dropped."""
        if not self._dirty or not os.access(self._path.parent, os.W_OK):
            return
        files = {path: entry for path, entry in self._files.items() if Path(path).exists()}
        write_atomic(self._path, json.dumps({"format": FORMAT, "files": files}).encode())
        self._dirty = False
