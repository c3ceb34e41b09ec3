# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs one scanner in a world of its own: no network, no secrets, no configuration but ours, bounds."""

from __future__ import annotations

import shutil
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import (
    Cli,
    NotStartedError,
    TookTooLongError,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.sandbox import Sandbox
from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import Adapter, Input, Output
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Report
from ansible_collections.rampart.k8s.plugins.module_utils._scan.programs import Program
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble

# The scanner's own deadline is a little earlier, so that it can say what it was doing.
OWN_SHARE = 0.9


def run(
    adapter: Adapter, program: Program, item: Input, sandbox: Sandbox, work: Path, timeout: float
) -> Report:
    """Let one scanner judge one subject; raises ScannerError when it does not."""
    home = work / f"{adapter.name}-{item.path.stem[:80]}"
    home.mkdir(mode=0o700)
    report = home / "report.json"
    # A scanner reads exceptions from its folder and from its user's: both are empty.
    environment = {**sandbox.environment(home), **adapter.environment()}
    argv = [*sandbox.prefix(), str(program.path), *adapter.arguments(item, report, timeout * OWN_SHARE)]
    try:
        done = Cli(argv[0], environment=environment, timeout=timeout).run(
            *argv[1:], accept=range(-255, 256), cwd=str(home)
        )
        return adapter.judge(Output(done.rc, done.stdout, done.stderr, report), item, program.version)
    except NotStartedError as error:
        raise ScannerError(Trouble.MISSING, error.message) from error
    except TookTooLongError as error:
        raise ScannerError(
            Trouble.TIMEOUT,
            f"it was still running after {timeout:g} s and was ended with all that it started",
        ) from error
    finally:
        shutil.rmtree(home, ignore_errors=True)
