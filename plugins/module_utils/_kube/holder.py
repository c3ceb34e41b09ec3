# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Names the holder of a lease, and tells of a name from this machine whether its process still lives."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import uuid
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")

_NAME = re.compile(r".*_(?P<pid>[0-9]+)\.(?P<started>[0-9]+)_(?P<place>[0-9a-f]{12})_[0-9a-f]{12}")
_GONE = ("Z", "X")


def _place() -> str:
    """Return what two processes share exactly when they can see each other by their numbers."""
    try:
        seen = f"{BOOT.read_text().strip()} {os.readlink(NAMESPACE)}"
    except OSError:
        # It matches no other name, so nothing is concluded from it.
        seen = uuid.uuid4().hex
    return hashlib.sha256(seen.encode()).hexdigest()[:12]


def _started(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; an empty text when it has ended."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # The name in brackets may hold spaces and brackets. State is the first field after it, start the 20th.
    fields = status.rpartition(")")[2].split()
    return "" if fields[0] in _GONE else fields[19]


def own_identity() -> str:
    """Return a name that no other holder ever has: host, process, where and when it runs, a random part."""
    pid = os.getpid()
    return f"{socket.gethostname()}_{pid}.{_started(pid)}_{_place()}_{uuid.uuid4().hex[:12]}"


def has_died(identity: str) -> bool:
    """Tell whether a holder is a process of this machine that has ended; of others nothing is known."""
    found = _NAME.fullmatch(identity)
    if found is None or found["place"] != _place():
        return False
    try:
        return _started(int(found["pid"])) != found["started"]
    except OSError:
        return False
