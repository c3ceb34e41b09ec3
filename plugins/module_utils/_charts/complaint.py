# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What Helm says of a failure, in few words."""

from __future__ import annotations

import re
import signal

# What Helm 4 logs besides, and what both put before their reason.
LOGGED = re.compile(r"^(?:level=|time=|\d{4}/\d\d/\d\d |coalesce\.go|WARNING:)")
PREFIX = re.compile(r"^(?:Error: )?(?:(?:UPGRADE|INSTALLATION) FAILED: )?")
# A part of a chart that is looked at, and what was found there.
PART = re.compile(r"^==> Linting (.*)$")
FAULT = re.compile(r"^\[(?:ERROR|WARNING)\] (.*)$")
HINT = "Use --debug flag to render out invalid YAML"


def complaint(stderr: str) -> str:
    """Return the reason out of what Helm printed."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not LOGGED.match(line)]
    text = " ".join(line for line in lines if line != HINT) or stderr.strip() or "it said nothing"
    return PREFIX.sub("", text).rstrip(".") + "."


def ended(code: int) -> str:
    """Say what ended Helm, when it did not end by itself; it has no last words then."""
    return f"it was ended by signal {-code} ({signal.strsignal(-code)})." if code < 0 else ""


def faults(stdout: str, chart: str) -> list[str]:
    """Return what ``helm lint`` finds, each with the part of the chart that it is about."""
    found, part = [], ""
    for line in stdout.splitlines():
        if entered := PART.match(line):
            part = entered[1].removeprefix(chart).strip("/")
        elif fault := FAULT.match(line):
            said = fault[1].replace(chart, "").strip("/: ").rstrip(".")
            found.append(f"{part}: {said}" if part else said)
    return found
