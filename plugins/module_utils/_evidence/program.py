# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which program judged: a verdict of other code is another verdict, whatever its version says."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest_of_bytes

PREFIX = "ansible_collections.rampart.k8s."
SHOWN = 16
# What a verdict can come from.
FOLDERS = ("modules", "module_utils")


def code() -> str:
    """Return the digest of this collection's code within reach of this process.

    Installed, that is all of it: what a process has loaded depends on what it was forked of. Packed by
    Ansible, it is what the module imports, and nothing else is there.
    """
    sources = _installed() or _loaded()
    if not sources:
        raise RampartError(
            "This module cannot say which code it runs, so its verdict would be nobody's.",
            next_step="report it with the version of Ansible",
        )
    return digest(sources)


def _installed() -> list[list[str]]:
    plugins = Path(__file__).parents[2]
    files = sorted(path for folder in FOLDERS for path in (plugins / folder).rglob("*.py"))
    return [[str(path.relative_to(plugins)), hashlib.sha256(path.read_bytes()).hexdigest()] for path in files]


def _loaded() -> list[list[str]]:
    sources = []
    for name, module in sorted(sys.modules.items()):
        # Ansible runs modules out of an archive, whose loader has no class in common with that of files.
        read = getattr(getattr(getattr(module, "__spec__", None), "loader", None), "get_source", None)
        if name.startswith(PREFIX) and read is not None:
            sources.append([name, hashlib.sha256((read(name) or "").encode()).hexdigest()])
    return sources


def shown(whole: str) -> str:
    """Shorten a digest to what a person compares."""
    return f"code {whole.partition(':')[2][:SHOWN]}"


def digest(data: Any) -> str:
    """Return the digest of anything that was observed, numbers with a fraction and null included."""
    return digest_of_bytes(json.dumps(data, sort_keys=True, separators=(",", ":"), default=str).encode())
