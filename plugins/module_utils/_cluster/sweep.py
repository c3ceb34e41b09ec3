# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Ends what is left of a cluster and removes it from the host."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._cluster import cgroups
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.names import CILIUM_TABLES
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.observe import Family, Leftovers
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

POLL_SECONDS = 0.05
KILL_SECONDS = 10.0


def _alive(pids: Iterable[int]) -> set[int]:
    living = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX":
                living.add(pid)
    return living


def _signal(pids: Iterable[int], sign: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)


def _wait(pids: Iterable[int], seconds: float) -> set[int]:
    """Wait until all have ended; return those that have not."""
    until = time.monotonic() + seconds
    living = _alive(pids)
    while living and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        living = _alive(living)
    return living


def end_pods(processes: Family, seconds: float) -> None:
    """End the containers, politely first, then their shims.

    The first process of a container ignores signals that it does not handle, so after the given
    time the rest is killed. Raises RampartError when even that does not help.
    """
    _signal(processes.containers, signal.SIGTERM)
    stubborn = _wait(processes.containers, seconds)
    shims = {process.pid for process in processes.shims}
    # The shims go first: one that sees its container die asks the runtime to clean up after it.
    _signal(shims | stubborn, signal.SIGKILL)
    left = _wait(shims | processes.containers, KILL_SECONDS)
    if left:
        raise RampartError(
            f"The processes {', '.join(map(str, sorted(left)))} of the cluster's pods do not end, although "
            "they were killed; they hang in the kernel, most likely on a disk.",
            next_step="look at the disk, then run again",
            pids=sorted(left),
        )


def _unmount(points: Iterable[str]) -> None:
    umount = Cli("umount", timeout=30)
    for point in points:
        # Unmounting one may have taken another with it (a lazy one, a network namespace).
        if os.path.ismount(point) or Path(point).exists():
            done = umount.run(point, accept=(0, 1, 32))
            if done.rc != 0 and Path(point).exists():
                umount.run("--lazy", point, accept=(0, 1, 32))


def _remove_files(files: Iterable[Path]) -> None:
    for file in files:
        if file.is_dir() and not file.is_symlink():
            shutil.rmtree(file)
        else:
            file.unlink(missing_ok=True)


def sweep(left: Leftovers) -> None:
    """Remove leftovers. It may be killed at any point; the next look finds what is still there.

    Packet rules go before links, and the marks by which Cilium's things are recognised (its state
    folder, among the files) go last.
    """
    ip = Cli("ip", timeout=10)
    for restore, text in left.packet_rules.items():
        Cli(restore, timeout=30).run("--noflush", "--wait", "5", stdin=text)
    for family, table in left.proxy_tables:
        Cli("nft", timeout=10).run("delete", "table", family, table)
    # Cilium's programs hang on links that are pinned in a file system below the root: they are
    # detached from the machine's devices and cgroups when it is unmounted.
    _unmount(left.mounts)
    for rule in left.rules:
        ip.run("rule", *rule)
    if left.rules:
        for number in sorted(CILIUM_TABLES):
            ip.run("route", "flush", "table", number, accept=(0, 2))
    for link in left.links:
        # The other end of a pair goes with the first.
        ip.run("link", "delete", link, accept=(0, 1))
    cgroups.remove(left.cgroups)
    _remove_files(left.files)
