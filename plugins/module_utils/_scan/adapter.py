# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What every scanner has to be told, and what is refused whoever says it."""

from __future__ import annotations

import json
import re
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Kind, Report
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble

# A report larger than this is no report: reading it would take the memory of the machine.
LARGEST_REPORT = 512 * 1024 * 1024

TAIL = 400

# Go ends a program that went wrong with an ordinary code.
_CRASHES = (
    ("out of memory", Trouble.CRASHED),
    ("SIGSEGV", Trouble.CRASHED),
    ("panic: ", Trouble.CRASHED),
    ("heap exhausted", Trouble.CRASHED),
)

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR_LINE = re.compile(r"\b(ERROR|FATAL|PANIC|panic:|fatal error:)")

# A shell, or a wrapper, tells a signal by a code above this.
_SIGNAL_CODES = 128


@dataclass(frozen=True, slots=True)
class Input:
    """What a scanner reads: always a private copy whose digest was verified."""

    kind: Kind
    path: Path
    digest: str
    # As the person named it.
    name: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """What a scanner left."""

    rc: int
    stdout: str
    stderr: str
    report: Path


class Adapter(ABC):
    """One scanner."""

    name: ClassVar[str]
    # The versions whose answers are known to be read right.
    versions: ClassVar[str]
    kinds: ClassVar[frozenset[Kind]]
    version_arguments: ClassVar[tuple[str, ...]] = ("--version",)
    # Whether it compares packages, so that a report without any is suspect.
    has_database: ClassVar[bool] = False
    # Texts of the tool to what they mean, the first that fits.
    meanings: ClassVar[tuple[tuple[str, Trouble], ...]] = ()

    @abstractmethod
    def arguments(self, item: Input, report: Path, timeout: float) -> list[str]:
        """Return the arguments; where it can, the scanner writes its report to a file."""

    def environment(self) -> dict[str, str]:
        """Return what the scanner needs beside the scrubbed environment."""
        return {}

    def read_version(self, stdout: str) -> str:
        """Find the version in what the scanner says about itself; empty when it does not say."""
        found = re.search(r"(?<![\w.])v?(\d+\.\d+\.\d+[\w.+-]*)", stdout)
        return found.group(1) if found else ""

    @abstractmethod
    def read(self, text: str, item: Input, version: str) -> Report:
        """Turn the report into the normal form; raises ScannerError for one that cannot be true."""

    def gather(self, output: Output) -> str:
        """Return the report."""
        return read_report(output.report)

    def judge(self, output: Output, item: Input, version: str) -> Report:
        """Refuse what is no report, whatever the exit code says."""
        said = self.complaint(output)
        if output.rc < 0 or output.rc > _SIGNAL_CODES:
            number = -output.rc if output.rc < 0 else output.rc - _SIGNAL_CODES
            raise ScannerError(Trouble.CRASHED, f"ended by {_signal(number)}{f': {said}' if said else ''}")
        if output.rc != 0:
            everything = f"{output.stderr}{output.stdout}"
            known = (*self.meanings, *_CRASHES)
            trouble = next((meaning for text, meaning in known if text in everything), Trouble.REFUSED)
            raise ScannerError(trouble, f"code {output.rc}: {said or 'it said nothing'}")
        if said:
            raise ScannerError(Trouble.ERROR_TEXT, f"code 0, yet it says: {said}")
        try:
            return self.read(self.gather(output), item, version)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            said = f"its fields are not those of a report ({type(error).__name__})"
            raise ScannerError(Trouble.INVALID, said) from error

    def complaint(self, output: Output) -> str:
        """Return the first line that tells of an error; empty when there is none."""
        lines = [_COLOUR.sub("", line).strip() for line in output.stderr.splitlines()]
        found = next((line for line in lines if _ERROR_LINE.search(line)), "")
        if not found and output.rc != 0:
            found = next((line for line in reversed(lines) if line), "")
        return found[:TAIL]


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def whole_json(text: str) -> Any:
    """Parse a report; an empty, a cut-off and a foreign text are three different troubles."""
    if not text.strip():
        raise ScannerError(Trouble.EMPTY, "the report holds nothing")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) - 1 or "Unterminated" in error.msg:
            raise ScannerError(Trouble.TRUNCATED, f"the report ends after {len(text)} characters") from error
        raise ScannerError(Trouble.INVALID, f"the report is no JSON ({error.msg})") from error
    except RecursionError as error:
        raise ScannerError(Trouble.INVALID, "the report is nested too deeply") from error


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Insist on a mapping."""
    if not isinstance(value, dict):
        raise ScannerError(Trouble.INVALID, f"{what} is no mapping")
    return value


def rows(value: Any, what: str) -> list[Mapping[str, Any]]:
    """Insist on a list of mappings; an absent one is empty, as Go programs leave them out."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ScannerError(Trouble.INVALID, f"{what} is no list")
    return [mapping(row, f"an entry of {what}") for row in value]


def read_report(path: Path) -> str:
    """Read a report file; the scanner may have written none."""
    try:
        if path.stat().st_size > LARGEST_REPORT:
            raise ScannerError(Trouble.INVALID, f"the report is larger than {LARGEST_REPORT} bytes")
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
