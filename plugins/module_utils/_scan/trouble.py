# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""In how many ways a scanner can fail to judge. None of them is a pass, and each says what it was."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """Why there is no report."""

    MISSING = "missing"
    WRONG_VERSION = "wrong version"
    WRONG_SUM = "wrong sum"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    REFUSED = "exit code"
    ERROR_TEXT = "error text"
    EMPTY = "empty report"
    TRUNCATED = "truncated report"
    INVALID = "invalid report"
    FOREIGN = "foreign report"
    BLIND = "no packages"
    NO_DISTRIBUTION = "no distribution"
    NO_DATABASE = "no database"
    CORRUPT_DATABASE = "corrupt database"
    STALE_DATABASE = "stale database"
    NO_INPUT = "no input"


_NEXT = {
    Trouble.MISSING: "install it (role rampart.k8s.tools does) or correct its path",
    Trouble.WRONG_VERSION: "install the version that the role rampart.k8s.tools pins",
    Trouble.WRONG_SUM: "find out who replaced it, and install it again",
    Trouble.TIMEOUT: "give it more time, or find out what it waits for",
    Trouble.CRASHED: "run it by hand on this image, and give it more memory if it was killed",
    Trouble.REFUSED: "repair what it complains about",
    Trouble.ERROR_TEXT: "repair what it complains about; its exit code alone would have passed the image",
    Trouble.EMPTY: "run it by hand on this image",
    Trouble.TRUNCATED: "free disk space or memory, and run it by hand on this image",
    Trouble.INVALID: "check that it is the tool and the version you mean",
    Trouble.FOREIGN: "run again; something replaced the image while it was judged",
    Trouble.NO_DISTRIBUTION: "bring /etc/os-release into the image (Debian: the package base-files)",
    Trouble.BLIND: "find out why it sees nothing; for an image without packages set expect_packages to false",
    Trouble.NO_DATABASE: "bring the database (module rampart.k8s.scan_databases)",
    Trouble.CORRUPT_DATABASE: "bring the database anew (module rampart.k8s.scan_databases)",
    Trouble.STALE_DATABASE: "bring a newer one (module rampart.k8s.scan_databases), or allow_stale_database",
    Trouble.NO_INPUT: "give the Dockerfile of the image, or do not require it",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One scanner that did not judge."""

    scanner: str
    trouble: Trouble
    # What was observed, for a person.
    said: str

    def __str__(self) -> str:
        return f"{self.scanner}: {self.trouble}: {self.said}"

    @property
    def next_step(self) -> str:
        return _NEXT[self.trouble]


class ScannerError(Exception):
    """Raised by an adapter; the caller knows whose it is."""

    def __init__(self, trouble: Trouble, said: str) -> None:
        super().__init__(said)
        self.trouble = trouble
        self.said = said
