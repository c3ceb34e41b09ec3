# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs servers for a proof: they end with it, and with this process when that is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

LOOK_SECONDS = 0.1


@contextmanager
def running(argv: Sequence[str], log: Path, ready: Callable[[], bool], patience: float) -> Iterator[None]:
    """Start a server and wait until it is ready. It is killed at the end: nothing of it is kept."""
    setpriv = shutil.which("setpriv")
    with_us = [setpriv, "--pdeathsig=KILL", "--"] if setpriv else []
    with log.open("wb") as output:
        child = _start([*with_us, *argv], output.fileno())
    try:
        _wait(child, Path(argv[0]).name, log, ready, patience)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _start(argv: Sequence[str], log: int) -> subprocess.Popen[bytes]:
    try:
        # run_command waits for the end of what it starts.
        return subprocess.Popen(  # pylint: disable=ansible-bad-function
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=Cli(argv[0]).environment,
            start_new_session=True,
        )
    except OSError as error:
        raise RampartError(
            f"Could not start {argv[0]}: {error.strerror}.",
            next_step="install it (role rampart.k8s.tools does) or correct its path",
        ) from error


def _wait(
    child: subprocess.Popen[bytes], name: str, log: Path, ready: Callable[[], bool], patience: float
) -> None:
    ends = time.monotonic() + patience
    while not ready():
        ended = child.poll() is not None
        if ended or time.monotonic() > ends:
            said = log.read_text(errors="replace").strip().splitlines()
            how = "ended" if ended else f"was not ready after {patience:g} s"
            raise RampartError(f"{name} {how}: {said[-1] if said else 'it printed nothing'}")
        time.sleep(LOOK_SECONDS)
