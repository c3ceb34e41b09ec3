# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""An operator's mirror: a folder or an address with one archive per tool and a SHA256SUMS file."""

from __future__ import annotations

import hashlib
import re
import shutil
import urllib.parse
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import sums
from ansible_collections.rampart.k8s.plugins.module_utils._tools.download import Downloader
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import Tool

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")
_SUMS_LIMIT = 4 * 1024 * 1024


def parse_sums(text: str, where: str) -> dict[str, str]:
    """Read the format that sha256sum writes; a line that is not of it is an error, not skipped."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.rstrip())
        if not match:
            raise RampartError(
                f"Line {number} of {where} is not one that sha256sum writes.",
                next_step=f"make it again with: sha256sum *.tar.gz > {SUMS}",
            )
        name = match.group(2).removeprefix("./")
        if found.setdefault(name, match.group(1)) != match.group(1):
            raise RampartError(
                f"{where} gives two sums for {name}: {found[name]} and {match.group(1)}.",
                next_step=f"make it again with: sha256sum *.tar.gz > {SUMS}",
            )
    return found


class Mirror:
    """Where an operator keeps the tools."""

    def __init__(self, location: str, *, pin: str = "") -> None:
        """Take a folder or URL, and the sum that its SHA256SUMS must have, when the operator knows it."""
        self.location = location.rstrip("/")
        self._remote = "://" in location
        self._pin = pin
        self._sums: dict[str, str] | None = None
        scheme = urllib.parse.urlsplit(location).scheme if self._remote else ""
        if scheme == "http" and not pin:
            raise RampartError(
                "The tools mirror is a plain http address: its sums could be changed on the way.",
                next_step=f"use https, or pin the sha256 of its {SUMS} in tools_mirror_sha256",
            )
        self._downloader = Downloader(plain_http=bool(pin))

    @staticmethod
    def archive_name(tool: Tool, architecture: str) -> str:
        """Return the name under which a mirror holds a tool."""
        return f"{tool.name}-{tool.version}-linux-{architecture}.tar.gz"

    def sums(self) -> dict[str, str]:
        """Return the mirror's list of sums.

        A mirror that was asked for and cannot be read is an error: going on to the internet
        behind the operator's back would be wrong.
        """
        if self._sums is None:
            content = self._list()
            if self._pin:
                sums.require(
                    f"{self.location}/{SUMS}",
                    self._pin,
                    actual=hashlib.sha256(content).hexdigest(),
                    what=f"The {SUMS} of the tools mirror",
                    next_step="find out who changed the mirror, then set tools_mirror_sha256 to the new sum",
                )
            self._sums = parse_sums(content.decode("utf-8", errors="replace"), f"the mirror's {SUMS}")
        return self._sums

    def _list(self) -> bytes:
        if self._remote:
            return self._downloader.text(f"{self.location}/{SUMS}", limit=_SUMS_LIMIT)
        try:
            return (Path(self.location) / SUMS).read_bytes()
        except OSError as error:
            raise RampartError(
                f"Could not read {SUMS} in the tools mirror {self.location}: {error.strerror}.",
                next_step=f"make it there with: sha256sum *.tar.gz > {SUMS}, or correct tools_mirror",
                path=self.location,
            ) from error

    def fetch(self, name: str, target: Path) -> None:
        """Bring an archive here and check its sum."""
        expected = self.sums()[name]
        if self._remote:
            self._downloader.fetch(f"{self.location}/{urllib.parse.quote(name)}", target, expected)
            return
        source = Path(self.location) / name
        try:
            # A copy is checked and unpacked: the file in the mirror could change in between.
            shutil.copyfile(source, target)
        except OSError as error:
            raise RampartError(
                f"The mirror's {SUMS} names {name}, but it cannot be read: {error.strerror}.",
                next_step="put the file there, or take it out of the list",
                path=str(source),
            ) from error
        sums.require(
            target,
            expected,
            what=f"The mirror's file {source}",
            next_step="put the right file there, or correct the mirror's list if the new file is meant",
        )
