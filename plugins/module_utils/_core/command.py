# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs a tool: arguments as a list, secrets on standard input, a deadline for the whole family."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.pipes import Feeder, drained
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor

# All that a child needs to run at all. Tokens, kubeconfigs and proxies with passwords stay here
# unless the caller hands them over by name.
SAFE_ENVIRONMENT = ("HOME", "PATH", "TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")

# What fetches from elsewhere, or reaches a node behind a proxy, is handed these on top.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

# A family that ignores SIGTERM is killed after this.
GRACE_SECONDS = 3.0

TAIL = 2000


class NotStartedError(RampartError):
    """The tool is not there, or may not be run."""


class TookTooLongError(RampartError):
    """The tool was still running at its deadline and was ended with all that it started."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What a tool left behind: its exit code and its output, as it came."""

    argv: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str
    seconds: float

    def json(self) -> Any:
        """Parse standard output; an empty or truncated answer is a failure, never 'nothing found'."""
        try:
            return json.loads(self.stdout)
        except ValueError as error:
            raise RampartError(
                f"{self.argv[0]} ended with code {self.rc}, but its answer is not whole JSON ({error}).",
                next_step="run the command by hand and look at what it prints",
                command=shlex.join(self.argv),
                rc=self.rc,
                stdout=self.stdout[-TAIL:],
                stderr=self.stderr[-TAIL:],
            ) from error


def proxies() -> dict[str, str]:
    """Return the settings of this machine's proxies, for what has to go through them."""
    return {name: os.environ[name] for name in PROXIES if name in os.environ}


def _end_family(child: subprocess.Popen[str]) -> None:
    """End the child and everything it started; a scanner or helm leaves children otherwise."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sign)
        except ProcessLookupError:
            return
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        if sign == signal.SIGTERM:
            # The leader is gone; what it left behind gets no second asking.
            continue
        return


def end_children() -> None:
    """End what other threads of an interrupted run have started; each leads a process group of its own."""
    for listed in Path("/proc/self/task").glob("*/children"):
        for child in listed.read_text().split():
            try:
                if os.getpgid(int(child)) == int(child):
                    os.killpg(int(child), signal.SIGTERM)
            except ProcessLookupError:
                continue


class Cli:
    """One tool on this machine."""

    def __init__(
        self,
        program: str,
        *,
        environment: Mapping[str, str] | None = None,
        redactor: Redactor | None = None,
        timeout: float = 60.0,
    ) -> None:
        self.program = program
        self.timeout = timeout
        self._redactor = redactor or Redactor()
        base = {name: os.environ[name] for name in SAFE_ENVIRONMENT if name in os.environ}
        # LANG=C: messages are parsed and shown; they must not depend on who runs the play.
        self.environment = {**base, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **(environment or {})}
        self._version: str | None = None

    def run(
        self,
        *arguments: str,
        stdin: str | IO[bytes] | None = None,
        pieces: Iterator[bytes] | None = None,
        accept: Sequence[int] = (0,),
        timeout: float | None = None,
        cwd: str | None = None,
        pass_fds: Sequence[int] = (),
        started: Callable[[int], None] | None = None,
    ) -> Completed:
        """Run the tool and return what it left.

        Raises RampartError when it cannot be started, when it is still running after ``timeout``
        seconds (its process group is ended first), or when its exit code is not in ``accept``.
        Secrets belong in ``stdin``: arguments and environment can be read by every process. An open
        file as ``stdin`` is read by the tool itself, whatever its size. ``pieces`` are written to it as
        they come; when one of them cannot be made the tool is ended, so that it takes no part for a whole.
        ``pass_fds`` are inherited: a lock that is handed on is held until the last child ends.
        ``started`` is told the process, which leads a group of its own, for whoever may have to end it.
        """
        argv = (self.program, *arguments)
        limit = self.timeout if timeout is None else timeout
        began = time.monotonic()
        text = stdin if isinstance(stdin, str) else None
        piped = text is not None or pieces is not None
        child = self._start(argv, subprocess.PIPE if piped else stdin, cwd, pass_fds)
        if started is not None:
            started(child.pid)
        feeder = Feeder(child, pieces, _end_family) if pieces is not None else None
        try:
            stdout, stderr = child.communicate(text, timeout=limit)
        except subprocess.TimeoutExpired as error:
            _end_family(child)
            stdout, stderr = child.communicate()
            raise self._too_long(argv, limit, stderr) from error
        except BaseException:
            # An interrupted play leaves no child behind.
            _end_family(child)
            raise
        if feeder:
            feeder.finish()
        done = Completed(argv, child.returncode, stdout, stderr, time.monotonic() - began)
        if done.rc not in accept:
            raise self._failed(argv, done.rc, stderr.strip() or stdout.strip())
        return done

    def stream(self, *arguments: str, timeout: float | None = None) -> Generator[bytes, None, None]:
        """Run the tool and yield its output as it comes; raise at its end when it did not end well.

        Whoever stops reading before the end has to close the iterator, which ends the tool.
        """
        argv = (self.program, *arguments)
        limit = self.timeout if timeout is None else timeout
        child = self._start(argv, None, None, ())
        try:
            stderr = yield from drained(child, limit, _end_family)
        except TimeoutError as error:
            _end_family(child)
            raise self._too_long(argv, limit, "") from error
        except BaseException:
            _end_family(child)
            raise
        if child.wait() != 0:
            raise self._failed(argv, child.returncode, stderr.strip())

    def _start(
        self,
        argv: Sequence[str],
        stdin: int | IO[bytes] | str | None,
        cwd: str | None,
        pass_fds: Sequence[int],
    ) -> subprocess.Popen[str]:
        try:
            # run_command neither ends the whole family of a tool nor hands on file descriptors.
            return subprocess.Popen(  # pylint: disable=ansible-bad-function
                argv,
                stdin=subprocess.DEVNULL if stdin is None or isinstance(stdin, str) else stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment,
                cwd=cwd,
                text=True,
                errors="replace",
                start_new_session=True,
                pass_fds=pass_fds,
            )
        except OSError as error:
            raise NotStartedError(
                f"Could not start {self.program}: {error.strerror}.",
                next_step="install it (role rampart.k8s.tools does) or correct its path",
                command=self._shown(argv),
            ) from error

    def _shown(self, argv: Sequence[str]) -> str:
        return self._redactor.text(shlex.join(argv))

    def _too_long(self, argv: Sequence[str], limit: float, stderr: str) -> TookTooLongError:
        return TookTooLongError(
            f"{self.program} was still running after {limit:g} s and was ended.",
            next_step="look at what it waited for, or give it more time",
            command=self._shown(argv),
            stderr=self._redactor.text(stderr[-TAIL:]),
        )

    def _failed(self, argv: Sequence[str], rc: int, output: str) -> RampartError:
        said = self._redactor.text(output[-TAIL:])
        shown = self._shown(argv)
        return RampartError(
            f"{shown} failed with code {rc}: {said or 'it printed nothing'}",
            rc=rc,
            stderr=said,
            command=shown,
        )

    def version(self, *arguments: str, pattern: str = r"v?(\d+\.\d+\.\d+[\w.+-]*)") -> str:
        """Ask for the version once and remember it."""
        if self._version is None:
            done = self.run(*arguments)
            found = re.search(pattern, done.stdout) or re.search(pattern, done.stderr)
            if not found:
                raise RampartError(
                    f"{self.program} does not say its version.",
                    next_step="check that it is the tool you mean",
                    stdout=self._redactor.text(done.stdout[-TAIL:]),
                )
            self._version = found.group(1)
        return self._version
