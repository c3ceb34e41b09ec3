# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes versions of tools from the cache that nothing uses: no link leads to them and no process runs them.

``python scripts/prune_tools.py [PREFIX]``
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

LINK_FOLDERS = ("bin", "libexec", "share")
MANIFEST = "manifest.json"


def linked(prefix: Path) -> set[Path]:
    """Return where the links of the tools lead."""
    return {
        path.resolve()
        for folder in LINK_FOLDERS
        for path in (prefix / folder).rglob("*")
        if path.is_symlink()
    }


def running() -> str:
    """Return the command lines of all processes; another cluster may run an older version."""
    lines = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                lines.append(Path("/proc", name, "cmdline").read_bytes().decode(errors="replace"))
    return "\n".join(lines)


def unused(artifacts: Iterable[Path], links: set[Path], processes: str) -> list[Path]:
    """Name the finished artifacts that nothing uses."""
    return sorted(
        folder
        for folder in artifacts
        if (folder / MANIFEST).is_file()
        and not any(target.is_relative_to(folder) for target in links)
        and f"{folder}/" not in processes
    )


def main() -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    prefix = Path(sys.argv[1]) if len(sys.argv) > 1 else cache / "rampart"
    artifacts = (prefix / "tools").resolve()
    if not artifacts.is_dir():
        return
    for folder in unused(artifacts.iterdir(), linked(prefix), running()):
        print(f"prune: {folder.name}", file=sys.stderr)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
