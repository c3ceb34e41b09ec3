# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Looks at a chart before Helm does: nothing in it may lead out of it, or be larger than a chart is.

Helm follows the links of a chart's folder, and a chart's name has been a way out of the folder that it
was unpacked into (CVE-2025-53547, CVE-2026-35206): both are refused here, whatever Helm's version.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._oci.tar_walk import TarWalk, TarWalkError

# What the names of charts may be (Helm's best practices: lower-case letters, digits, dashes).
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

# Helm's own bound for a file is 5 MiB; the largest charts in use have some hundred files.
LARGEST_FILE = 5 * 1024**2
LARGEST_CHART = 32 * 1024**2
MOST_FILES = 4096

METADATA = "Chart.yaml"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a link of a chart, by its path below the chart's folder."""

    path: str
    size: int
    # Whether it is neither a file nor a folder, or leads out of the chart.
    strange: str = ""


class BadChartError(RampartError):
    """The chart may not be given to Helm; ``rule`` names why."""

    def __init__(self, chart: Path, rule: str, why: str) -> None:
        super().__init__(
            f"The chart {chart} is refused before Helm reads it ({rule}): {why}.",
            next_step="ask who made this chart; what helm package makes has nothing of that kind",
            chart=str(chart),
            rule=rule,
        )


def inspect(chart: Path) -> str:
    """Return the chart's name; raise BadChartError where it is none, or a dangerous one."""
    if not chart.exists():
        raise RampartError(
            f"There is no chart at {chart}.",
            next_step="name a folder or an archive; a chart of a repository is pulled first (helm pull)",
            chart=str(chart),
        )
    if chart.is_dir():
        entries = list(_folder(chart))
        metadata = chart / METADATA
        judge(chart, entries)
        content = metadata.read_bytes() if metadata.is_file() else b""
    else:
        entries, content = _archive(chart)
        judge(chart, entries)
    return _name(chart, content)


def judge(chart: Path, entries: list[Entry]) -> None:
    """Refuse what leads out of the chart, and what no chart needs."""
    if len(entries) > MOST_FILES:
        raise BadChartError(chart, "count", f"it has more than {MOST_FILES} files")
    for entry in entries:
        if entry.strange:
            raise BadChartError(chart, "link", f"{entry.path} is {entry.strange}")
        parts = PurePosixPath(entry.path).parts
        if entry.path.startswith("/") or ".." in parts:
            raise BadChartError(chart, "path", f"{entry.path} lies outside of it")
        if entry.size > LARGEST_FILE:
            raise BadChartError(chart, "size", f"{entry.path} has {entry.size} bytes")
    if sum(entry.size for entry in entries) > LARGEST_CHART:
        raise BadChartError(chart, "size", f"its files have more than {LARGEST_CHART} bytes")


def _folder(chart: Path) -> Iterator[Entry]:
    """Walk without following links, and no further than a chart may go."""
    root = chart.resolve()
    seen = 0
    for folder, folders, files in os.walk(chart):
        for name in (*files, *(name for name in folders if (Path(folder) / name).is_symlink())):
            seen += 1
            if seen > MOST_FILES + 1:
                return
            path = Path(folder) / name
            relative = path.relative_to(chart).as_posix()
            if path.is_symlink():
                inside = path.resolve().is_relative_to(root)
                if not inside:
                    yield Entry(relative, 0, "a link that leads out of it")
            elif path.is_file():
                yield Entry(relative, path.stat().st_size)
            else:
                yield Entry(relative, 0, "neither a file nor a folder")


def tree_digest(chart: Path) -> str:
    """Return what tells a chart's folder from any other: the names and contents of its files."""
    measured = hashlib.sha256()
    for entry in sorted(_folder(chart), key=lambda entry: entry.path):
        content = hashlib.sha256((chart / entry.path).read_bytes()).hexdigest()
        measured.update(f"{content}  {entry.path}\n".encode())
    return measured.hexdigest()


def _archive(chart: Path) -> tuple[list[Entry], bytes]:
    """Read an archive's members, and its metadata; never more of it than a chart may have."""
    try:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        # A header of 512 bytes for each file is on top of what the files have.
        content = unpacker.decompress(chart.read_bytes(), LARGEST_CHART + 1024 * MOST_FILES)
        if unpacker.unconsumed_tail:
            raise BadChartError(chart, "size", f"unpacked it has more than {LARGEST_CHART} bytes")
        if not unpacker.eof:
            raise BadChartError(chart, "whole", "its end is missing")
        walk = TarWalk()
        headers = [(header, header.offset) for header in walk.feed(content)]
    except zlib.error as error:
        raise BadChartError(chart, "archive", "it is not what helm package writes") from error
    except TarWalkError as error:
        raise BadChartError(chart, error.rule, error.why) from error
    entries, metadata = [], b""
    for header, offset in headers:
        folder, _slash, below = header.name.removeprefix("./").partition("/")
        strange = "" if header.is_file or header.type == b"5" else "neither a file nor a folder"
        if header.name.startswith("/") or folder == "..":
            below = header.name
        entries.append(Entry(below or folder, header.content, strange))
        if below == METADATA:
            metadata = content[offset : offset + header.content]
    return entries, metadata


def _name(chart: Path, content: bytes) -> str:
    try:
        metadata: Any = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadChartError(chart, "metadata", f"its {METADATA} is no YAML") from error
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadChartError(chart, "name", f"its {METADATA} names it {name!r}")
    return name
