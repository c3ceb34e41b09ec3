# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs gitleaks. Its report, which holds the credentials, never touches the disk."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli, Completed
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.rules import CONFIG

VERSION = "8."
# gitleaks ends with 1 when it fails, so findings get another code.
LEAKS = 3
SIGNALS = 64
ARCHIVE_DEPTH = 4
IGNORE = ".gitleaksignore"
SCANNED = re.compile(r"scanned ~(\d+) bytes")
COMMITS = re.compile(r"(\d+) commits scanned")
SHADES = re.compile(r"\x1b\[[0-9;]*m")


class Gitleaks:
    """gitleaks on this machine, deaf to what the things it looks into say about it."""

    def __init__(self, program: str, *, timeout: float) -> None:
        # Its output is parsed and never shown, so there is nothing to mask in it.
        self._cli = Cli(program, redactor=Redactor(), timeout=timeout)
        self._program = program

    def version(self) -> str:
        version = self._cli.version("version", pattern=r"v?(\d+\.\d+\.\d+\S*)")
        if not version.startswith(VERSION):
            raise RampartError(
                f"{self._program} is gitleaks {version}, but its reports are known for {VERSION}x only.",
                next_step="install it by the role rampart.k8s.tools",
            )
        return version

    def texts(self, content: str) -> list[Mapping[str, Any]]:
        """Look into a text."""
        return self._run(["stdin"], "texts", expect=bool(content.strip()), stdin=content)

    def folder(self, folder: Path, *, archives: bool = False, expect: bool = True) -> list[Mapping[str, Any]]:
        """Look into the files of a folder, or into one file."""
        depth = ["--max-archive-depth", str(ARCHIVE_DEPTH)] if archives else []
        return self._run(["dir", str(folder), *depth], str(folder), expect=expect)

    def history(self, repository: Path, *, expect_commits: bool) -> list[Mapping[str, Any]]:
        """Look into every commit of every reference, and into what people changed while merging."""
        arguments = ["git", str(repository), "--log-opts=--all --full-history --diff-merges=remerge"]
        return self._run(arguments, str(repository), expect=False, expect_commits=expect_commits)

    def _run(
        self,
        arguments: Sequence[str],
        subject: str,
        *,
        expect: bool,
        expect_commits: bool = False,
        stdin: str | None = None,
    ) -> list[Mapping[str, Any]]:
        # gitleaks obeys this one whatever it is told.
        hidden = Path(arguments[1]) / IGNORE if len(arguments) > 1 else None
        if hidden is not None and hidden.exists():
            raise RampartError(
                f"{hidden} would hide findings, and gitleaks cannot be told not to obey it.",
                next_step="move what it names into the baseline, with an owner and a last day, and delete it",
                path=str(hidden),
            )
        with tempfile.TemporaryDirectory(prefix="rampart-") as work:
            config = Path(work) / "gitleaks.toml"
            config.write_text(CONFIG)
            done = self._cli.run(
                *arguments,
                "--config",
                str(config),
                # Neither a comment nor a file in what is looked into may hide anything.
                "--ignore-gitleaks-allow",
                "--gitleaks-ignore-path",
                work,
                "--no-banner",
                "--no-color",
                "--report-format",
                "json",
                "--report-path",
                "-",
                "--exit-code",
                str(LEAKS),
                stdin=stdin,
                # A failure is worded here: what was printed so far can hold credentials, after a signal too.
                accept=range(-SIGNALS, 256),
            )
        return _report(done, subject, expect=expect, expect_commits=expect_commits)


def _report(done: Completed, subject: str, *, expect: bool, expect_commits: bool) -> list[Mapping[str, Any]]:
    """Read the report. What is not plainly a whole report of a whole run is a failure."""
    log = SHADES.sub("", done.stderr)
    errors = [line.strip() for line in log.splitlines() if " ERR " in line or " FTL " in line]
    if done.rc not in (0, LEAKS) or errors:
        raise _trouble(
            subject, f"it ended with code {done.rc}: {errors[-1][-300:] if errors else 'no reason'}"
        )
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        raise _trouble(subject, f"its report is not whole JSON ({len(done.stdout)} characters)") from error
    if not isinstance(report, list) or not all(isinstance(entry, dict) for entry in report):
        raise _trouble(subject, "its report is not a list of findings")
    if bool(report) != (done.rc == LEAKS):
        raise _trouble(subject, f"it ended with code {done.rc} and reports {len(report)} findings")
    scanned, commits = SCANNED.search(log), COMMITS.search(log)
    if expect and not (scanned and int(scanned[1])):
        raise _trouble(subject, "it looked at 0 bytes")
    if expect_commits and not (commits and int(commits[1])):
        raise _trouble(subject, "it looked at no commit")
    return report


def _trouble(subject: str, why: str) -> RampartError:
    return RampartError(
        f"gitleaks gave no verdict on {subject}: {why}.",
        next_step="what could not be looked into is not clean; repair the cause and run again",
        subject=subject,
    )
