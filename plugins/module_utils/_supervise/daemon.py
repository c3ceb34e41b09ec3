# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Starts and ends supervisord itself, and works through its programs in order."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.config import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.observe import (
    MARK_HEAD,
    Observed,
    observe,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import (
    KILL_SECONDS,
    Handle,
    Process,
    end,
    read_process,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.rpc import Supervisor

START_SECONDS = 30.0
LOOK_SECONDS = 0.1
TAIL = 2000

# What a daemon needs; whatever else the person at the terminal has set stays there.
KEPT_ENVIRONMENT = ("HOME", "PATH")


def sweep(layout: Layout) -> None:
    """Remove what only a living supervisord needs."""
    for path in (layout.socket, layout.pid, *layout.directory.glob(f"{layout.socket.name}.*")):
        path.unlink(missing_ok=True)


def start(layout: Layout, head: str) -> Supervisor:
    """Start supervisord; it listens when this returns, and outlives this process."""
    if importlib.util.find_spec("supervisor") is None:
        raise RampartError(
            f"The Python package supervisor is missing for {sys.executable}.",
            next_step="install it: pip install -r requirements.txt",
        )
    sweep(layout)
    environment = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    environment |= {"LANG": "C.UTF-8", MARK_HEAD: head}
    # supervisord forks into its own session after it has read its configuration and bound its
    # socket, so the first process's code and words tell whether it is up.
    try:
        # run_command has no deadline and gives no session of its own.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(layout.config)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            cwd="/",
            umask=0o077,
            start_new_session=True,
            timeout=START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RampartError(
            f"supervisord did not come up within {START_SECONDS:g} s.",
            next_step=f"look into {layout.log}, then run again",
        ) from error
    if done.returncode != 0:
        raise RampartError(
            f"supervisord ended with code {done.returncode}: {done.stderr.strip()[-TAIL:]}",
            next_step=f"look into {layout.log}",
            rc=done.returncode,
        )
    return Supervisor(layout.socket)


def _kill(processes: Iterable[Process]) -> None:
    """End supervisord whatever state it is in, a stopped one included; its programs are left.

    SIGKILL on purpose: on SIGTERM it would stop everything at its own pace, without a bound. What it
    leaves is ended afterwards in order, by its own signals.
    """
    handles = [Handle(process) for process in processes]
    try:
        for handle in handles:
            handle.send(signal.SIGKILL)
        for handle in handles:
            if not handle.wait(KILL_SECONDS):
                raise RampartError(
                    f"supervisord ({handle.process.pid}) does not end although it was killed.",
                    next_step="look at the machine's disks, then run again",
                    pid=handle.process.pid,
                )
    finally:
        for handle in handles:
            handle.close()


def clear(layout: Layout) -> None:
    """End every supervisord of this directory, then all that they leave without care.

    Looks again until nothing is found: a supervisord that dies while it starts a program leaves
    a child that becomes the program only afterwards.
    """
    while True:
        observed = observe(layout)
        if not observed.supervisors and not observed.orphans:
            break
        _kill(observed.supervisors)
        end(observed.orphans)
    sweep(layout)


def stop_programs(supervisor: Supervisor, names: Iterable[str]) -> None:
    """Stop programs, the highest priority number first, each level together."""
    infos = supervisor.programs()
    levels: dict[int, list[tuple[str, int]]] = {}
    for name in names:
        info = infos.get(name)
        if info is None:
            continue
        process = read_process(int(info["pid"])) if info["pid"] else None
        priority, _signal, seconds = process.stop if process else (0, "", 0)
        levels.setdefault(priority, []).append((name, seconds))
    for priority in sorted(levels, reverse=True):
        level = levels[priority]
        for name, _seconds in level:
            supervisor.stop(name)
        waiting = {name for name, _seconds in level}
        # supervisord itself kills after the program's own patience.
        limit = max(seconds for _name, seconds in level) + KILL_SECONDS
        until(
            partial(_ended, supervisor, waiting),
            limit,
            f"{', '.join(sorted(waiting))} did not stop within {limit:g} s, although killed.",
        )


def _ended(supervisor: Supervisor, names: set[str]) -> bool:
    infos = supervisor.programs()
    return not any(
        infos[name]["pid"] or infos[name]["statename"] == "STOPPING" for name in names if name in infos
    )


def until(done: Callable[[], bool], seconds: float, message: str) -> None:
    """Ask again until it is so, or say that it never was."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise RampartError(message, next_step="look at the processes and their logs, then run again")
        time.sleep(LOOK_SECONDS)


def stop_all(layout: Layout, observed: Observed) -> None:
    """End every program and supervisord itself."""
    if observed.answers:
        supervisor = Supervisor(layout.socket)
        stop_programs(supervisor, observed.running)
        handles = [Handle(process) for process in observed.supervisors]
        supervisor.shutdown()
        for handle in handles:
            handle.wait(KILL_SECONDS)
            handle.close()
    clear(layout)


def remove_files(layout: Layout) -> None:
    """Remove what this directory holds of ours, and the folders when nothing else is in them."""
    own = [layout.config, *layout.directory.glob(f"{layout.log.name}*"), *layout.logs.glob("*.log*")]
    for path in own:
        path.unlink(missing_ok=True)
    for folder in (layout.logs, layout.directory):
        with contextlib.suppress(OSError):
            folder.rmdir()
